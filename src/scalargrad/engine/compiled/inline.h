/* Small things that everybody uses: the end of engine.h, which includes it. */

#ifndef SCALARGRAD_INLINE_H
#define SCALARGRAD_INLINE_H

static inline State *module_state(PyObject *module) {
    return *(State **)PyModule_GetState(module);
}

/* A type of ours, not a subclass, keeps its state in a word that Python has no use for. The garbage
   collector takes a type's module away before it frees the last instances; this word it leaves. */
static inline void **state_in_type(PyTypeObject *type) {
    return &((PyHeapTypeObject *)type)->as_number.nb_reserved;
}

static inline State *state_of_type(PyTypeObject *type) {
    return *state_in_type(type);
}

static inline bool is_exact_value(PyObject *x) { /* and not of a subclass */
    return Py_TYPE(x)->tp_dealloc == value_dealloc;
}

/* The state of the module that the Value belongs to; NULL for anything else. */
static inline State *value_state(PyObject *x) {
    for (PyTypeObject *type = Py_TYPE(x); type; type = type->tp_base)
        if (type->tp_dealloc == value_dealloc)
            return state_of_type(type);
    return NULL;
}

static inline State *vector_state(PyObject *x) {
    PyTypeObject *type = Py_TYPE(x);
    while (type->tp_dealloc != vector_dealloc)
        type = type->tp_base;
    return state_of_type(type);
}

/* The state for a Value or a Vector that is about to be used; NULL, with an AttributeError, if its
   class did not initialise it. Only a subclass can leave that out. */
static inline State *usable_value(PyObject *x) {
    if (LIKELY(is_exact_value(x)))
        return state_of_type(Py_TYPE(x));
    if (((Value *)x)->op != OP_BLANK)
        return value_state(x);
    raise_not_initialised(x);
    return NULL;
}

static inline State *usable_vector(PyObject *x) {
    if (LIKELY(!((Vector *)x)->blank))
        return vector_state(x);
    raise_not_initialised(x);
    return NULL;
}

/* The state of the module of two operands, one of which is a Value or a Vector. */
static inline State *state_of_either(PyObject *a, PyObject *b) {
    for (PyTypeObject *type = Py_TYPE(a); type; type = type->tp_base)
        if (type->tp_dealloc == value_dealloc || type->tp_dealloc == vector_dealloc)
            return state_of_type(type);
    State *state = value_state(b);
    return state ? state : vector_state(b);
}

static inline bool is_value(State *state, PyObject *x) {
    return PyObject_TypeCheck(x, state->value_type);
}

static inline bool is_vector(State *state, PyObject *x) {
    return PyObject_TypeCheck(x, state->vector_type);
}

static inline double *buffer_numbers(Buffer *buffer) {
    return (double *)(buffer + 1);
}

/* The numbers as they were computed, whatever was written to them later. */
static inline const double *computed_numbers(const Block *block) {
    return (const double *)(block + 1);
}

static inline double *block_grads(Block *block) {
    return block->grads;
}

/* Where the gradients are, except for a moment in gradients.c. */
static inline double *own_grads(Block *block) {
    return (double *)(block + 1) + block->count;
}

static inline void *block_extra(Block *block) {
    return own_grads(block) + block->count;
}

static inline double *data_address(Value *v) {
    return LIKELY(v->kind != ELEMENT) ? &v->data : buffer_numbers(v->block->buffer) + v->index;
}

static inline double data_of(Value *v) {
    return *data_address(v);
}

static inline double *grad_of(Value *v) {
    return LIKELY(v->kind != ELEMENT) ? &v->grad : block_grads(v->block) + v->index;
}

/* Whether backward has something to do there. */
static inline bool is_computed(const Value *v) {
    switch (v->kind) {
    case LEAF:
        return false;
    case CUSTOM:
        return v->custom->count > 0;
    case ELEMENT:
        return v->block->made != NULL;
    default:
        return true;
    }
}

/* The Values of a row that is no part of a block. */
static inline Value **row_values(const Row *row) {
    return row->loose ? row->loose->values + row->start : (Value **)&row->value;
}

static inline bool row_is_computed(const Row *row) {
    return row->block   ? row->block->made != NULL
           : row->loose ? row->loose->computed
                        : row->value && is_computed(row->value);
}

/* A row of that one Value, borrowed. */
static inline Row row_of_one(Value *v) {
    return (Row){.value = v, .count = 1};
}

static inline Row row_of_block(Block *block) {
    return (Row){.block = block, .count = block->count};
}

/* The row that a Value or a Vector is; `one` is the room for that of a Value. */
static inline const Row *row_of_object(State *state, PyObject *x, Row *one) {
    if (!is_exact_value(x) && is_vector(state, x))
        return &((Vector *)x)->row;
    *one = row_of_one((Value *)x);
    return one;
}

/* The node that stands for v. */
static inline Node node_of(Value *v) {
    return v->kind == ELEMENT ? (Node)v->block | IS_BLOCK : (Node)v;
}

static inline Value *node_value(Node node) {
    return (Value *)(node & ~(Node)(IS_BLOCK | IS_DONE));
}

static inline Block *node_block(Node node) {
    return (Block *)(node & ~(Node)(IS_BLOCK | IS_DONE));
}

static inline Row part_of(Row row, Py_ssize_t start, Py_ssize_t count) {
    if (row.block || row.loose)
        row.start += start;
    row.count = count;
    return row;
}

/* The numbers from `at` on as far as they lie side by side: all if they are part of a block, or one
   that lives elsewhere; or none at the end. A loop over spans serves both kinds of rows. */
static inline Span span_at(const Row *row, Py_ssize_t at) {
    if (at >= row->count)
        return (Span){0};
    if (row->block) {
        Py_ssize_t i = row->start + at;
        return (Span){buffer_numbers(row->block->buffer) + i, block_grads(row->block) + i, at,
                      row->count - at};
    }
    Value *v = row_values(row)[at];
    return (Span){data_address(v), grad_of(v), at, 1};
}

static inline Span next_span(const Row *row, Span span) {
    return span_at(row, span.at + span.count);
}

static inline const Edge *edges_of(const Value *v, Py_ssize_t *count) {
    if (v->kind == CUSTOM) {
        *count = v->custom->count;
        return v->custom->edges;
    }
    *count = v->kind == ELEMENT ? 0 : v->kind;
    return v->edges;
}

/* The name of an operation, as a new reference. */
static inline PyObject *name_of(State *state, Op op) {
    PyObject *name = op < OP_COUNT ? state->names[op] : state->names[OP_NONE];
    if (UNLIKELY(!name))
        return raise_closed();
    Py_INCREF(name);
    return name;
}

/* Give a tuple that is being filled its next item, a new reference; without one, drop the tuple. */
static inline void put(PyObject **tuple, Py_ssize_t i, PyObject *item) {
    if (item)
        PyTuple_SET_ITEM(*tuple, i, item);
    else
        Py_CLEAR(*tuple);
}

static inline bool is_all_zero(const double *x, Py_ssize_t n) {
    for (Py_ssize_t i = 0; i < n; i++)
        if (x[i] != 0.0)
            return false;
    return true;
}

static inline bool recording(State *state) {
    return LIKELY(!state->paused_threads) || !is_paused(state);
}

/* A Value with room for that many edges, no label and a grad of 0; the caller sets the rest. */
static inline Value *allocate_node(State *state, int edges, Kind kind, Op op) {
    Value *v = state->free[edges];
    if (LIKELY(v != NULL)) {
        state->free[edges] = v->next;
        state->free_count[edges]--;
    } else if (!(v = new_node_memory(state, edges))) {
        return NULL;
    }
#if defined(Py_REF_DEBUG) || defined(Py_TRACE_REFS) || defined(Py_GIL_DISABLED)
    PyObject_Init((PyObject *)v, state->value_type);
#else
    Py_SET_TYPE((PyObject *)v, state->value_type);
    Py_INCREF(state->value_type);
    Py_SET_REFCNT((PyObject *)v, 1);
#endif
    v->tag = (Tag){.epoch = 0, .kind = kind, .op = op};
    v->grad = 0.0;
    v->label = NULL;
    return v;
}

static inline Value *new_leaf(State *state, double data) {
    Value *v = allocate_node(state, 0, LEAF, OP_NONE);
    if (LIKELY(v != NULL))
        v->data = data;
    return v;
}

#endif
