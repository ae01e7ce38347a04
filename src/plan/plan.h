/* plan.h: from a graph to a list of steps.
 *
 * key.c      the graph as bytes, and the cache of plans found by them
 * graph.c    nodes become values: equal ones merged, views resolved to strides over a base
 * fuse.c     values become groups: pointwise chains, their row reductions, a kernel's epilogue
 * order.c    groups in an order, lifetimes, places in one arena
 * emit.c     groups become steps: programs of tile calls, kernel calls
 *
 * The planner never changes arithmetic: every value is computed by its op's own function. */
#ifndef DP_PLAN_PLAN_H
#define DP_PLAN_PLAN_H

#include "../op/op.h"

enum { DP_TILE_ELEMENTS = 1024, DP_ROW_LIMIT = 4096, DP_GROUP_LIMIT = 48 };

/* ---- the finished plan: what src/run/exec.c carries out ---- */

/* Where bytes are: base 0 is the arena, base 1 + i external slot i (leaves, then roots). */
typedef struct dp_place {
    int32_t base;   /* -1: nowhere */
    int64_t offset; /* bytes */
} dp_place;

typedef enum dp_operand_kind {
    DP_MEMORY,  /* element i of the index space at place + i * size */
    DP_SCALAR,  /* one element, or a whole operand, at place */
    DP_REGISTER /* a piece of the thread's scratch at place.offset */
} dp_operand_kind;

typedef struct dp_operand {
    dp_place place;
    uint8_t kind, size; /* bytes of an element */
} dp_operand;

typedef enum dp_instr_kind { DP_DO_TILE, DP_DO_ROW, DP_DO_EXPAND, DP_DO_GATHER } dp_instr_kind;

/* One call on a tile. Full-level instructions see elements, row-level ones see rows. */
typedef struct dp_instr {
    uint8_t kind, n_in, dtype; /* dtype: as dp_tile's */
    bool row_level;
    dp_operand out, in[DP_MAX_IN];
    dp_tile_fn *tile;
    void (*row)(void *out, const void *in, size_t n, dp_dtype dtype);
    const void *attr;
    struct dp_strided *gather; /* DP_DO_GATHER: the strided operand */
    const char *name;          /* of the op, for texts */
} dp_instr;

/* A strided operand: dims from the outside in, neighbours merged where they can be. */
typedef struct dp_strided {
    int rank;
    int64_t dim[DP_MAX_RANK], stride[DP_MAX_RANK]; /* elements */
    size_t period; /* element i depends on i % period; 0: no period */
} dp_strided;

typedef struct dp_plan_step {
    const dp_op *op; /* of the kernel; NULL: a program alone */
    dp_run run;      /* its operands, with data pointers to be set from places */
    dp_place in_place[DP_MAX_IN], out_place;
    dp_instr *instr;
    size_t n_instr;
    size_t count, rows,
        row_n;      /* elements of the index space; rows and their length (rows 0: flat) */
    size_t tile;    /* elements (flat) or rows of a tile */
    double cost;    /* estimated nanoseconds on one thread */
    size_t scratch; /* bytes of registers */
} dp_plan_step;

typedef struct dp_plan {
    uint64_t hash, used; /* of the key; tick of the last use */
    unsigned char *key;
    size_t key_bytes;
    dp_plan_step *step;
    size_t n_steps;
    int32_t *leaf, *root,
        *assigned; /* walk index of each leaf; result slot of each root; leaf of each assign */
    size_t n_leaves, n_roots, n_assigned;
    size_t *root_bytes;
    size_t arena, scratch; /* bytes of values; of one thread */
    size_t bytes;          /* of the plan itself */
    double cost;
    int bound_threads; /* for which kernel_scratch (bytes of one thread) holds */
    size_t kernel_scratch;
    int pins; /* held by prepared graphs */
    bool cached;
    struct dp_block {
        void *data;
        size_t bytes;
    } * block; /* all of the above lives in these */
    size_t n_blocks, cap_blocks;
} dp_plan;

/* Memory that lives as long as the plan. */
void *dp__plan_alloc(dp_plan *p, size_t count, size_t size);
void dp__plan_free(dp_plan *p);

/* ---- planning ---- */

/* A node while planning. Values stand in topological order. */
typedef struct dp_value {
    const dp_op *op;
    const void *attr;
    const dp_tensor *node;                   /* NULL: made by the planner */
    int32_t in[DP_MAX_IN], asked[DP_MAX_IN]; /* inputs; as the node has them, before copies */
    uint8_t n_in, dtype, size;
    bool leaf, effect, root;
    bool assigns, assigned; /* copies into a variable; is a variable that changes */
    dp_shape shape;
    size_t count;
    int32_t base;                        /* the value that holds the bytes; itself unless a view */
    int64_t offset, stride[DP_MAX_RANK]; /* elements, over the base */
    int32_t slot;                        /* of a leaf: external slot; of a root: number */
    int32_t group;
    bool row_level; /* in its group */
    bool memory;    /* needs a place */
    dp_place place;
    int32_t variable; /* of an assign and of what is computed into one: the leaf */
} dp_value;

typedef struct dp_group {
    int32_t head;                 /* kernel value; -1: program alone */
    int32_t into;                 /* merged into that group; -1: alive */
    size_t count, row_n;          /* index space; row length, 0: undecided */
    int32_t level, members, last; /* depth; number; largest value index */
    bool open, outside;           /* may take members; has users outside */
} dp_group;

typedef struct dp_graph {
    dp_value *v;
    size_t n, cap;
    int32_t *of; /* walk index -> value */
    size_t n_of;
    dp_group *g;
    size_t n_groups, cap_groups;
    size_t n_user, n_user_at;
    int32_t *user, *user_at; /* users of value i: user[user_at[i] .. user_at[i+1]) by base */
    int32_t *order;          /* groups in the order of their steps */
    size_t n_order;
    int32_t *member, *member_at; /* values of group i */
    dp_plan *plan;
} dp_graph;

bool dp__graph_build(dp_graph *g, const dp_walk *w, dp_tensor *const *roots, size_t n);
bool dp__graph_users(dp_graph *g);
bool dp__graph_row_major(const dp_value *v);
void dp__graph_free(dp_graph *g);
/* How an operand relates to a group that holds its base. */
typedef enum dp_relation { DP_OUTSIDE, DP_SAME, DP_EXPANDED, DP_UNFIT } dp_relation;
dp_relation dp__fuse_relation(const dp_graph *g, const dp_value *operand, const dp_group *group,
                              bool row_level);
int32_t dp__fuse_find(const dp_graph *g, int32_t group);
bool dp__fuse(dp_graph *g);
bool dp__order(dp_graph *g);
bool dp__place(dp_graph *g);
bool dp__emit(dp_graph *g);

/* ---- plans found again (key.c) ---- */
typedef struct dp_cache dp_cache;
dp_cache *dp__cache_new(void);
void dp__cache_free(dp_cache *cache);
/* The plan of the graph in w below the roots; NULL on failure. *known: it was in the cache. */
dp_plan *dp__plan_find(dp_cache *c, const dp_walk *w, dp_tensor *const *roots, size_t n,
                       bool *known);
void dp__plan_done(dp_plan *p); /* frees a plan that neither the cache nor a prepared graph holds */
size_t dp__cache_plans(const dp_cache *c, size_t *bytes);
dp_plan *dp__plan_make(const dp_walk *w, dp_tensor *const *roots, size_t n);
void dp__plan_show(dp_text *t, const dp_plan *p);

#endif
