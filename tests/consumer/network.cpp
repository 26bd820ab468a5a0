// A network without MPI, data or files, from C++: its probabilities for one image, which add up to 1.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include <lockstep/config.h>
#include <lockstep/exact.h>
#include <lockstep/library.h>
#include <lockstep/loop.h>
#include <lockstep/model.h>
#include <lockstep/philox.h>
#include <lockstep/predict.h>
#include <lockstep/train.h>

static const char text[] = "name: from-cpp\n"
                           "data: {dir: nowhere}\n"
                           "model:\n"
                           "  - conv2d: {filters: 8, kernel: 3}\n"
                           "  - relu\n"
                           "  - flatten\n"
                           "  - dense: 10\n"
                           "train: {epochs: 1, optimizer: {name: sgd, lr: 0.1}}\n";

static lks_status answer(const lks_config &config, std::vector<float> &probabilities,
                         lks_error *err) {
    const lks_shape image = {28, 28, 1};
    float pixels[1][256];
    for (int v = 0; v < 256; v++)
        pixels[0][v] = static_cast<float>(v) / 255;
    std::vector<uint8_t> bytes(28 * 28);
    for (std::size_t i = 0; i < bytes.size(); i++)
        bytes[i] = static_cast<uint8_t>(i * 37);
    const uint8_t label = 3;
    const uint32_t id = 0;
    const lks_batch batch = {bytes.data(), &label, &id, 1, 0};
    lks_model *model = nullptr;
    const lks_status status =
        lks_model_create(&model, &config, image, 10, pixels, nullptr, 1, 1, err);
    if (status != LKS_OK)
        return status;
    lks_model_init(model, 7);
    lks_model_evaluate(model, &batch, nullptr, probabilities.data());
    lks_model_free(model);
    return LKS_OK;
}

int main() {
    lks_error err = {};
    lks_config config = {};
    std::vector<float> probabilities(10);
    lks_status status =
        lks_config_parse(&config, text, std::strlen(text), "text", nullptr, 0, &err);
    if (status == LKS_OK) {
        status = answer(config, probabilities, &err);
        lks_config_free(&config);
    }
    if (status != LKS_OK) {
        std::fprintf(stderr, "%s\n", err.text);
        return lks_exit_status(status);
    }
    double sum = 0;
    for (const float p : probabilities)
        sum += static_cast<double>(p);
    std::printf("lockstep %s: %.6f\n", lks_version(), sum);
    return std::fabs(sum - 1) < 1e-5 ? 0 : 1;
}
