/* denpan/grad.h: derivatives. Both modes build graph out of the public operations, so results can
 * be differentiated again. Call them before the eval that spends the path. */
#ifndef DENPAN_GRAD_H
#define DENPAN_GRAD_H

#include "op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* dy/dx for a y of one element, of x's shape. NULL with DP_EINVAL: y does not depend on x, or is
 * not of floats, or has more elements (see dp_vjp). */
DP_API dp_tensor *dp_grad(dp_tensor *y, dp_tensor *x);
/* out[i] = sum_j cotangent_j dy_j/dx[i]; cotangent NULL: 1, for a y of one element. An x without a
 * path gets zeros. 0 or a negative status; then out is all NULL. */
DP_API dp_status dp_vjp(dp_tensor *y, dp_tensor *cotangent, dp_tensor *const *x, size_t n,
                        dp_tensor **out);
/* Forward mode: sum_i dy/dx[i] tangent[i], of y's shape; tangent[i] has the shape of x[i]. */
DP_API dp_tensor *dp_jvp(dp_tensor *y, dp_tensor *const *x, dp_tensor *const *tangent, size_t n);
/* Hessian of a y of one element times v [as x]: forward over reverse (Pearlmutter 1994). */
DP_API dp_tensor *dp_hvp(dp_tensor *y, dp_tensor *x, dp_tensor *v);
/* The same value; no derivative flows through it. */
DP_API dp_tensor *dp_detach(dp_tensor *x);

#ifdef __cplusplus
}
#endif
#endif
