/* vmath.c: the passes of the vector math. Each defines the primitives of one instruction set, takes
 * the portable source over them, and forgets them again. */
#include "vmath.h"

#include <math.h>
#include <string.h>
#if defined(DP_HAVE_NEON)
#include <arm_neon.h>
#endif

#include "vmath_coef.h"
#include "vmath_common.h"

DP_TARGET_BEGIN_portable
#include "vmath_portable.h"
#include "vmath_f64_body.h"
#include "vmath_f32_body.h"
#include "vmath_d32_body.h"
#include "vmath_end_body.h"
    DP_TARGET_END_portable

#if defined(DP_HAVE_X86)
        DP_TARGET_BEGIN_avx2
#include "vmath_avx2.h"
#include "vmath_f64_body.h"
#include "vmath_f32_body.h"
#include "vmath_d32_body.h"
#include "vmath_end_body.h"
            DP_TARGET_END_avx2

                DP_TARGET_BEGIN_avx512
#include "vmath_avx512.h"
#include "vmath_f64_body.h"
#include "vmath_f32_body.h"
#include "vmath_d32_body.h"
#include "vmath_end_body.h"
                    DP_TARGET_END_avx512
#endif

#if defined(DP_HAVE_NEON)
                        DP_TARGET_BEGIN_neon
#include "vmath_neon.h"
#include "vmath_f64_body.h"
#include "vmath_f32_body.h"
#include "vmath_d32_body.h"
#include "vmath_end_body.h"
                            DP_TARGET_END_neon
#endif
