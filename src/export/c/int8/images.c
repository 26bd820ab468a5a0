#include "export/c/int8/images.h"

lks_status lks_c_open_images(lks_image_file *file, const lks_exporting *x, lks_image_part part,
                             lks_error *err) {
    const lks_shape in = x->input;
    LKS_TRY(lks_image_file_open(file, &x->network->config.data, part, err));
    if (file->rows == in.rows && file->columns == in.columns && file->channels == in.channels)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_MISMATCH,
                    "%s has images of %dx%dx%d, the network takes %dx%dx%d; --set data.dir=DIR "
                    "tells where its images are",
                    file->path, file->rows, file->columns, file->channels, in.rows, in.columns,
                    in.channels);
}
