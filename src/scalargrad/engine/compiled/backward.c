/* Backpropagation: sort the nodes, clear their gradients, hand down from the output to the inputs.

   The nodes are listed first, each after everything it was made from, in the very order in which
   the reference engine lists them. There is no recursion, so no limit on depth. A row is one node.
   All memory is there before the first gradient is changed, so nothing fails halfway; but Ctrl-C is
   honoured, and leaves gradients that are half done. */

#include "engine.h"

/* A node on the stack: the address of a Value or a Block, and in the lowest bits which of these,
   and whether everything that it was made from is listed. */
typedef uintptr_t Node;

enum { IS_BLOCK = 1, IS_DONE = 2, FLAGS = 3 };
enum { CHECK_SIGNALS = 1 << 16 };

typedef struct {
    Node *stack, *order;
    Py_ssize_t stack_size, order_size; /* how many there is room for */
    Py_ssize_t depth, count;           /* how many there are */
} Walk;

static Value *as_value(Node node) {
    return (Value *)(node & ~(Node)FLAGS);
}

static Block *as_block(Node node) {
    return (Block *)(node & ~(Node)FLAGS);
}

static int reserve(Node **nodes, Py_ssize_t *size, Py_ssize_t wanted) {
    if (LIKELY(wanted <= *size))
        return 0;
    if (wanted > PY_SSIZE_T_MAX / 2 / (Py_ssize_t)sizeof(Node))
        return PyErr_NoMemory(), -1;
    Py_ssize_t larger = wanted + wanted / 2 + 256;
    Node *memory = PyMem_Realloc(*nodes, larger * sizeof(Node));
    if (!memory)
        return PyErr_NoMemory(), -1;
    *nodes = memory;
    *size = larger;
    return 0;
}

/* ---- Sorting ---- */

/* The node that stands for v, or 0 if it is a leaf or was seen already. */
static inline Node to_visit(Value *v, uint64_t epoch) {
    switch (v->kind) {
    case LEAF:
        return 0;
    case ELEMENT:
        return v->block->made && v->block->epoch != epoch ? (Node)v->block | IS_BLOCK : 0;
    case CUSTOM:
        return v->custom->count && v->epoch != epoch ? (Node)v : 0;
    default:
        return v->epoch != epoch ? (Node)v : 0;
    }
}

static inline void push(Walk *walk, Value *v, uint64_t epoch) {
    Node node = to_visit(v, epoch);
    if (node)
        walk->stack[walk->depth++] = node;
}

static int push_row(Walk *walk, const Row *row, uint64_t epoch) {
    if (row->block) {
        if (!row->block->made || row->block->epoch == epoch)
            return 0;
        if (reserve(&walk->stack, &walk->stack_size, walk->depth + 1))
            return -1;
        walk->stack[walk->depth++] = (Node)row->block | IS_BLOCK;
        return 0;
    }
    if (!row_is_computed(row))
        return 0;
    if (reserve(&walk->stack, &walk->stack_size, walk->depth + row->count))
        return -1;
    Value **values = row_values(row);
    for (Py_ssize_t i = 0; i < row->count; i++)
        push(walk, values[i], epoch);
    return 0;
}

static int push_inputs(Walk *walk, const Made *made, uint64_t epoch) {
    if (push_row(walk, &made->x.row, epoch))
        return -1;
    if (made->w && made->w->computed)
        for (Py_ssize_t i = 0; i < made->w->count; i++)
            if (push_row(walk, &made->w->inputs[i].row, epoch))
                return -1;
    return push_row(walk, &made->b.row, epoch);
}

static int push_parents(Walk *walk, Value *v, uint64_t epoch) {
    Py_ssize_t count;
    const Edge *edges = edges_of(v, &count);
    if (reserve(&walk->stack, &walk->stack_size, walk->depth + count))
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        push(walk, edges[i].parent, epoch);
    return 0;
}

static bool is_new(Node node, uint64_t epoch) {
    uint64_t seen;
    if (node & IS_BLOCK) {
        seen = as_block(node)->epoch;
        as_block(node)->epoch = epoch;
    } else {
        seen = as_value(node)->epoch;
        as_value(node)->epoch = epoch;
    }
    return seen != epoch;
}

/* List what is on the stack and everything before it. Whatever Python code runs when a signal is
   handled may walk the same graph, which leaves its own epoch there: then 1, to begin again. */
static int sort(State *state, Walk *walk, uint64_t epoch) {
    for (Py_ssize_t steps = 1; walk->depth; steps++) {
        if (steps % CHECK_SIGNALS == 0) {
            if (PyErr_CheckSignals())
                return -1;
            if (state->epoch != epoch)
                return 1;
        }
        Node node = walk->stack[--walk->depth];
        if (!(node & IS_DONE)) {
            if (!is_new(node, epoch))
                continue;
            Py_ssize_t depth = ++walk->depth; /* the node stays, under what it was made from */
            walk->stack[depth - 1] = node | IS_DONE;
            if (node & IS_BLOCK ? push_inputs(walk, as_block(node)->made, epoch)
                                : push_parents(walk, as_value(node), epoch))
                return -1;
            if (walk->depth > depth)
                continue;
            walk->depth--;
        }
        if (reserve(&walk->order, &walk->order_size, walk->count + 1))
            return -1;
        walk->order[walk->count++] = node & ~(Node)IS_DONE;
    }
    return 0;
}

static int sort_from(State *state, Walk *walk, Value *output) {
    int again;
    do {
        uint64_t epoch = ++state->epoch;
        walk->depth = walk->count = 0;
        if (reserve(&walk->stack, &walk->stack_size, 1))
            return -1;
        push(walk, output, epoch);
        again = sort(state, walk, epoch);
    } while (again > 0);
    return again;
}

/* ---- Handing down ---- */

static void clear(const Walk *walk) {
    for (Py_ssize_t i = 0; i < walk->count; i++) {
        Node node = walk->order[i];
        if (node & IS_BLOCK)
            memset(block_grads(as_block(node)), 0, as_block(node)->count * sizeof(double));
        else
            as_value(node)->grad = 0.0;
    }
}

/* A gradient of 0 hands nothing down, whatever the derivative, nor does a branch not taken. */
static void hand_down_value(Value *v) {
    Py_ssize_t count;
    const Edge *edges = edges_of(v, &count);
    double upstream = v->grad;
    if (upstream == 0.0)
        return;
    for (Py_ssize_t i = 0; i < count; i++)
        if (edges[i].local_grad != 0.0 || !has_branches(v->op))
            *grad_of(edges[i].parent) += edges[i].local_grad * upstream;
}

/* Returns about how many multiplications that was. */
static Py_ssize_t hand_down_block(Block *block) {
    const Made *made = block->made;
    switch (made->op) {
    case OP_LINEAR:
    case OP_DOT:
        hand_down_linear(block);
        return block->count * made->x.row.count;
    case OP_WEIGHTED_SUM:
        hand_down_sums(block);
        return block->count * made->x.row.count;
    case OP_SUM:
    case OP_MEAN:
    case OP_CONCATENATE:
        hand_down_sums(block);
        return made->x.row.count + block->count;
    case OP_SOFTMAX:
    case OP_RMSNORM:
    case OP_CROSS_ENTROPY:
        hand_down_fused(block);
        return made->x.row.count;
    default:
        hand_down_elementwise(block);
        return block->count;
    }
}

static int hand_down(const Walk *walk) {
    Py_ssize_t work = 0;
    for (Py_ssize_t i = walk->count; i--;) {
        Node node = walk->order[i];
        if (node & IS_BLOCK)
            work += hand_down_block(as_block(node));
        else
            hand_down_value(as_value(node));
        if (UNLIKELY(++work > CHECK_SIGNALS * 16)) {
            work = 0;
            if (PyErr_CheckSignals())
                return -1;
        }
    }
    return 0;
}

/* ---- The method ---- */

/* Memory is kept for the next time, unless it is much. */
static void keep(Node **kept, Py_ssize_t *kept_size, Node *nodes, Py_ssize_t size) {
    if (*kept || size > 1 << 16) {
        PyMem_Free(nodes);
    } else {
        *kept = nodes;
        *kept_size = size;
    }
}

PyObject *value_backward(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"grad"};
    State *state = usable_value(self);
    PyObject *given[1];
    double upstream = 1.0;
    if (!state || parse("Value.backward", names, 0, 1, 1, args, n, keywords, given) ||
        (given[0] && as_double(state, given[0], &upstream, "backward: grad")))
        return NULL;
    Walk walk = {state->stack, state->order, state->stack_size, state->order_size, 0, 0};
    state->stack = state->order = NULL; /* a signal handler may call backward, too */
    state->stack_size = state->order_size = 0;
    int failed = sort_from(state, &walk, (Value *)self);
    if (!failed) {
        clear(&walk);
        *grad_of((Value *)self) += upstream;
        failed = hand_down(&walk);
    }
    keep(&state->stack, &state->stack_size, walk.stack, walk.stack_size);
    keep(&state->order, &state->order_size, walk.order, walk.order_size);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
