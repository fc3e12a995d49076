/* Backpropagation: sort the nodes, clear their gradients, hand down from the output to the inputs.

   The nodes are listed first, each after everything it was made from, in the very order in which
   the reference engine lists them. There is no recursion, so no limit on depth. A row is one node.
   All memory is there before the first gradient is changed, so nothing fails halfway; but Ctrl-C is
   honoured, and leaves gradients that are half done. */

#include "engine.h"

enum { CHECK_SIGNALS = 1 << 16 };

/* Room for `more` nodes besides those that are listed; -1 if there is no memory. */
int reserve(Nodes *nodes, Py_ssize_t more) {
    Py_ssize_t wanted = nodes->count + more;
    if (LIKELY(wanted <= nodes->size))
        return 0;
    if (wanted > PY_SSIZE_T_MAX / 2 / (Py_ssize_t)sizeof(Node))
        return PyErr_NoMemory(), -1;
    Py_ssize_t larger = wanted + wanted / 2 + 256;
    Node *memory = PyMem_Realloc(nodes->nodes, larger * sizeof(Node));
    if (!memory)
        return PyErr_NoMemory(), -1;
    nodes->nodes = memory;
    nodes->size = larger;
    return 0;
}

/* ---- Sorting ---- */

static inline uint64_t epoch_of(Node node) {
    return node & IS_BLOCK ? node_block(node)->epoch : node_value(node)->epoch;
}

static inline void set_epoch(Node node, uint64_t epoch) {
    if (node & IS_BLOCK)
        node_block(node)->epoch = epoch;
    else
        node_value(node)->epoch = epoch;
}

/* List a node that hands nothing down, unless this pass has seen it. There must be room. */
void list_leaf(Walk *walk, Node node) {
    if (epoch_of(node) != walk->epoch) {
        set_epoch(node, walk->epoch);
        walk->leaves.nodes[walk->leaves.count++] = node;
    }
}

/* A node comes on the stack, unless it was seen; a leaf at most on its list. */
static inline void push(Walk *walk, Node node, bool computed) {
    if (!computed && walk->with_leaves)
        list_leaf(walk, node);
    else if (computed && epoch_of(node) != walk->epoch)
        walk->stack.nodes[walk->stack.count++] = node;
}

static inline int reserve_both(Walk *walk, Py_ssize_t more) {
    return reserve(&walk->stack, more) || (walk->with_leaves && reserve(&walk->leaves, more)) ? -1 : 0;
}

static int push_row(Walk *walk, const Row *row) {
    Block *block = row->block;
    if (!(walk->with_leaves || row_is_computed(row)) || (block && block->epoch == walk->epoch))
        return 0;
    if (reserve_both(walk, block ? 1 : row->count))
        return -1;
    if (block)
        push(walk, (Node)block | IS_BLOCK, block->made != NULL);
    else
        for (Py_ssize_t i = 0; i < row->count; i++)
            push(walk, node_of(row_values(row)[i]), is_computed(row_values(row)[i]));
    return 0;
}

/* The rows of its matrix are listed. Others that share them need not look at them again. */
static void note_listed(const Made *made, uint64_t epoch) {
    Matrix *w = made->w;
    if (w->epoch != epoch || w->listed < made->rows) {
        w->epoch = epoch;
        w->listed = made->rows;
    }
}

static int push_matrix(Walk *walk, const Made *made) {
    Matrix *w = made->w;
    if (!w->computed && !walk->with_leaves)
        return 0;
    for (Py_ssize_t i = w->epoch == walk->epoch ? w->listed : 0; i < made->rows; i++)
        if (push_row(walk, &w->inputs[i].row))
            return -1;
    if (!w->computed) /* leaves are listed at once */
        note_listed(made, walk->epoch);
    return 0;
}

static int push_inputs(Walk *walk, const Made *made) {
    if (push_row(walk, &made->x.row) || (made->w && push_matrix(walk, made)))
        return -1;
    return push_row(walk, &made->b.row);
}

static int push_parents(Walk *walk, Value *v) {
    Py_ssize_t count;
    const Edge *edges = edges_of(v, &count);
    if (reserve_both(walk, count))
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        push(walk, node_of(edges[i].parent), is_computed(edges[i].parent));
    return 0;
}

/* List what is on the stack and everything before it. Whatever Python code runs when a signal is
   handled may walk the same graph, which leaves its own epoch there: then 1, to begin again. */
static int sort(State *state, Walk *walk, bool check_signals) {
    for (Py_ssize_t steps = 1; walk->stack.count; steps++) {
        if (check_signals && steps % CHECK_SIGNALS == 0) {
            if (PyErr_CheckSignals())
                return -1;
            if (state->epoch != walk->epoch)
                return 1;
        }
        Node node = walk->stack.nodes[--walk->stack.count];
        if (!(node & IS_DONE)) {
            if (epoch_of(node) == walk->epoch)
                continue;
            set_epoch(node, walk->epoch);
            Py_ssize_t depth = ++walk->stack.count; /* it stays, under what it was made from */
            walk->stack.nodes[depth - 1] = node | IS_DONE;
            if (node & IS_BLOCK ? push_inputs(walk, node_block(node)->made)
                                : push_parents(walk, node_value(node)))
                return -1;
            if (walk->stack.count > depth)
                continue;
            walk->stack.count--;
        }
        if (reserve(&walk->order, 1))
            return -1;
        if (node & IS_BLOCK && node_block(node)->made->w && node_block(node)->made->w->computed)
            note_listed(node_block(node)->made, walk->epoch);
        walk->order.nodes[walk->order.count++] = node & ~(Node)IS_DONE;
    }
    return 0;
}

/* List the nodes that the outputs, Values or Vectors, were computed through. A second attempt lets
   signals wait, or there might be no end to beginning again. */
int sort_from(State *state, Walk *walk, PyObject *const *outputs, Py_ssize_t count) {
    int again = 1;
    for (int attempt = 0; again > 0; attempt++) {
        walk->epoch = ++state->epoch;
        walk->stack.count = walk->order.count = walk->leaves.count = 0;
        for (Py_ssize_t i = 0; i < count; i++) {
            Row one = {0};
            const Row *row = row_of_object(state, outputs[i], &one);
            if (push_row(walk, row))
                return -1;
        }
        again = sort(state, walk, attempt == 0);
    }
    return again;
}

/* ---- Handing down ---- */

static void clear(const Walk *walk) {
    for (Py_ssize_t i = 0; i < walk->order.count; i++) {
        Node node = walk->order.nodes[i];
        if (node & IS_BLOCK)
            memset(block_grads(node_block(node)), 0, node_block(node)->count * sizeof(double));
        else
            node_value(node)->grad = 0.0;
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
    case OP_LOGSUMEXP:
    case OP_CROSS_ENTROPY:
        hand_down_fused(block);
        return made->x.row.count;
    default:
        hand_down_elementwise(block);
        return block->count;
    }
}

/* From the last node on the list to the first; -1 if Ctrl-C was pressed. */
int hand_down(Walk *walk, CheckSignals *check_signals) {
    Py_ssize_t work = 0;
    for (Py_ssize_t i = walk->order.count; i--;) {
        Node node = walk->order.nodes[i];
        if (node & IS_BLOCK)
            work += hand_down_block(node_block(node));
        else
            hand_down_value(node_value(node));
        if (UNLIKELY(++work > CHECK_SIGNALS * 16)) {
            work = 0;
            if (check_signals(walk))
                return -1;
        }
    }
    return 0;
}

/* ---- The method ---- */

/* A walk with the memory of the last one; a signal handler may walk, too. */
Walk begin_walk(State *state) {
    Walk walk = {.stack = state->kept[0], .order = state->kept[1], .leaves = state->kept[2]};
    memset(state->kept, 0, sizeof(state->kept));
    return walk;
}

/* Memory is kept for the next time, unless it is much. */
static void keep(State *state, Nodes *kept, Nodes nodes) {
    if (kept->nodes || nodes.size > 1 << 16 || !state->value_type)
        PyMem_Free(nodes.nodes);
    else
        *kept = nodes;
}

void end_walk(State *state, Walk *walk) {
    keep(state, &state->kept[0], walk->stack);
    keep(state, &state->kept[1], walk->order);
    keep(state, &state->kept[2], walk->leaves);
}

static int check_signals(Walk *unused) {
    (void)unused;
    return PyErr_CheckSignals();
}

PyObject *value_backward(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords) {
    static const char *const names[] = {"grad"};
    State *state = usable_value(self);
    PyObject *given[1];
    double upstream = 1.0;
    if (!state || parse("Value.backward", names, 0, 1, 1, args, n, keywords, given) ||
        (given[0] && as_double(given[0], &upstream, "backward: grad")))
        return NULL;
    Walk walk = begin_walk(state);
    int failed = sort_from(state, &walk, &self, 1);
    if (!failed) {
        clear(&walk);
        *grad_of((Value *)self) += upstream;
        failed = hand_down(&walk, check_signals);
    }
    end_walk(state, &walk);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}
