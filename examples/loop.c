/* loop.c: a training loop of one's own: batches, forward pass, loss, step. The scope inside the
 * loop ends what a step has made; parameters and the optimiser's state outlive it. */
#include <denpan.h>

int main(void) {
    dp_dataset *data = dp_data("digits(n=2000, seed=1)");
    dp_module *net = dp_nn("Linear(784,32) ReLU Dropout(0.1) Linear(32,10)");
    dp_optim *optim =
        dp_optim_new(net, "SGD(lr=%g, momentum=0.9, nesterov=true, clip_norm=1)", 0.05);
    dp_iter_options options = {
        .size = sizeof options, .batch = 50, .shuffle = true, .flatten = true};
    dp_iter *it = dp_iter_new(data, DP_TRAIN, &options);
    dp_tensor *key = dp_split(dp_key(7), "dropout");
    int64_t step = 0;
    dp_eval(key); /* stored: it is used in every step */

    for (int epoch = 1; epoch <= 10 && !dp_failed(); epoch++) {
        double sum = 0;
        for (;;) {
            dp_batch b;
            dp_scope *s = dp_scope_begin();
            if (!dp_next(it, &b)) {
                dp_scope_end(s);
                break; /* the end of the epoch */
            }
            dp_ctx *ctx = dp_ctx_train(dp_fold(key, dp_int(step++)));
            dp_tensor *loss = dp_cross_entropy(dp_call(net, ctx, b.x), b.y);
            sum += dp_step(optim, loss) * (double)b.n; /* gradients, clipping, update: one plan */
            dp_scope_end(s);
        }
        if (epoch % 5 == 0)
            printf("epoch %2d  loss %.3f\n", epoch, sum / (double)dp_examples(data, DP_TRAIN));
    }
    printf("better than 70 %% on new digits: %s\n",
           dp_test(net, data).accuracy > 0.7 ? "yes" : "no");
    dp_iter_free(it);
    if (dp_failed()) fprintf(stderr, "%s\n", dp_error());
    return dp_end();
}
