// cplusplus.cpp: the same library from C++17: a network, its text, one step, a derivative.
#include <denpan.h>

#include <cstdio>
#include <vector>

int main() {
    const std::vector<float> x_values = {0, 0, 0, 1, 1, 0, 1, 1}, y_values = {0, 1, 1, 0};
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(4, 2), x_values.data());
    dp_tensor *y = dp_from(DP_F32, DP_SHAPE(4, 1), y_values.data());
    dp_module *net = dp_nn("Linear(%d,%d) Tanh Linear(%d,1)", 2, 8, 8);
    dp_print(net, stdout);

    dp_fit_options options = {};
    options.size = sizeof options;
    options.optim = "Adam(lr=0.05)";
    options.epochs = 300;
    options.init = "default";
    options.seed = 3;
    dp_fit_with(net, dp_dataset_arrays(x, y), &options);
    std::printf("XOR learned: %s\n",
                dp_item(dp_mse(dp_call(net, nullptr, x), y)) < 1e-3 ? "yes" : "no");

    dp_tensor *a = dp_scalar(3), *square = dp_mul(a, a), *slope = dp_grad(square, a);
    dp_eval(square, slope);
    std::printf("3 squared is %g, its slope %g\n", dp_item(square), dp_item(slope));
    if (dp_failed()) std::fprintf(stderr, "%s\n", dp_error());
    return dp_end();
}
