/* Answers pictures that it has in memory: predict CHECKPOINT PICTURE... */
#include <stdio.h>

#include <lockstep/predict.h>

static void on_answer(void *context, const lks_answer *a) {
    (void)context;
    printf("%s %d %.17g\n", a->file, a->predicted, a->probabilities[a->predicted]);
}

static lks_status show(lks_predictor *predictor, const char *path, lks_error *err) {
    lks_picture picture;
    LKS_TRY(lks_picture_read(&picture, path, err));
    const lks_status status = lks_predictor_show(predictor, &picture, path, err);
    lks_picture_free(&picture);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    const char *checkpoint = argv[1];
    const lks_predict_options options = {.checkpoints = &checkpoint, .n_checkpoints = 1};
    lks_predictor *predictor = NULL;
    lks_error err;
    lks_status status = lks_predictor_open(&predictor, &options, on_answer, NULL, &err);
    for (int i = 2; i < argc && status == LKS_OK; i++)
        status = show(predictor, argv[i], &err);
    if (status == LKS_OK)
        status = lks_predictor_flush(predictor, &err);
    if (status != LKS_OK)
        fprintf(stderr, "%s\n", err.text);
    lks_predictor_free(predictor);
    return lks_exit_status(status);
}
