/* Types of elements, by their numbers in TensorProto.DataType (github.com/onnx/onnx, onnx/onnx.proto). */
#ifndef LKS_ONNX_TYPES_H
#define LKS_ONNX_TYPES_H

typedef enum lks_onnx_type {
    LKS_ONNX_FLOAT = 1,
    LKS_ONNX_UINT8 = 2,
    LKS_ONNX_INT32 = 6,
    LKS_ONNX_INT64 = 7,
    LKS_ONNX_FLOAT16 = 10,
    LKS_ONNX_DOUBLE = 11,
    LKS_ONNX_BFLOAT16 = 16
} lks_onnx_type;

#endif
