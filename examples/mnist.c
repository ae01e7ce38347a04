/* mnist.c FOLDER: train on MNIST, test, save. Without a folder: digits that the library draws. */
#include <denpan.h>

int main(int n, char **words) {
    dp_dataset *data = dp_data(n > 1 ? words[1] : "digits(n=4000)");
    dp_module *net = dp_nn("Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)");
    dp_print(net, stdout); /* the text that PyTorch prints */
    dp_fit(net, data, .loss = "CrossEntropyLoss", .optim = "Adam(lr=1e-3)", .epochs = 5,
           .batch = 64, .val = 0.1, .seed = 1, .progress = stdout);
    printf("test accuracy %.2f %%\n", 100 * dp_test(net, data).accuracy);
    dp_save(net, "mnist.safetensors");
    if (dp_failed()) fprintf(stderr, "%s\n", dp_error());
    return dp_end(); /* frees everything; 0 if nothing failed */
}
