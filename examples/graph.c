/* graph.c: the computation graph e = (a + b)(b + 1), its derivatives in both modes.
 *
 *     c = a + b    d = b + 1    e = c d
 *     de/da = d = b + 1         de/db = c + d = a + 2b + 1
 *
 * Reverse mode gives all derivatives of one output; forward mode the derivative of all outputs
 * along one direction. Both build graph, and dp_eval computes what it is asked for in one plan. */
#include <denpan.h>

static void show(double a_value, double b_value) {
    dp_scope *s = dp_scope_begin();
    dp_tensor *a = dp_scalar(a_value), *b = dp_scalar(b_value), *one = dp_scalar(1),
              *zero = dp_scalar(0);
    dp_tensor *e = dp_mul(dp_add(a, b), dp_add(b, dp_scalar(1)));

    dp_tensor *x[] = {a, b}, *reverse[2];
    dp_vjp(e, NULL, x, 2, reverse);
    dp_tensor *along_a = dp_jvp(e, x, (dp_tensor *[]){one, zero}, 2);
    dp_tensor *along_b = dp_jvp(e, x, (dp_tensor *[]){zero, one}, 2);

    dp_eval(e, reverse[0], reverse[1], along_a, along_b);
    printf("a = %g, b = %g: e = %g\n", a_value, b_value, dp_item(e));
    printf("  reverse mode  de/da = %g  de/db = %g\n", dp_item(reverse[0]), dp_item(reverse[1]));
    printf("  forward mode  de/da = %g  de/db = %g\n", dp_item(along_a), dp_item(along_b));
    dp_scope_end(s);
}

int main(void) {
    show(2, 1);
    show(1, 2);
    if (dp_failed()) fprintf(stderr, "%s\n", dp_error());
    return dp_end();
}
