/* Making and freeing nodes: fast, because freed ones are kept for the next; and without recursion,
   because a graph may be ten million nodes deep. */

#include "engine.h"

/* Sizes of a Value with no, one and two edges. */
static const size_t node_sizes[3] = {
    offsetof(Value, edges),
    offsetof(Value, edges) + sizeof(Edge),
    sizeof(Value),
};

/* Memory for numbers and the like; size may have overflowed to something negative. */
void *allocate(Py_ssize_t size) {
    void *memory = size < 0 ? NULL : PyMem_Malloc(size);
    if (!memory)
        PyErr_NoMemory();
    return memory;
}

/* Memory for a Value with room for that many edges, where none was kept. */
Value *new_node_memory(State *state, int edges) {
    if (!state->value_type) {
        raise_closed();
        return NULL;
    }
    Value *v = PyObject_Malloc(node_sizes[edges]);
    if (v) /* or else what is there by chance could look like the count of an immortal object */
        memset(v, 0, sizeof(PyObject));
    else
        PyErr_NoMemory();
    return v;
}

/* An object of a subclass, which must not be abstract; all in it is 0. */
PyObject *new_object(PyTypeObject *type) {
    PyObject *nothing = PyTuple_New(0);
    PyObject *object = nothing ? PyBaseObject_Type.tp_new(type, nothing, NULL) : NULL;
    Py_XDECREF(nothing);
    return object;
}

static inline void free_node(State *state, Value *v, int edges) {
    PyTypeObject *type = Py_TYPE(v);
#ifndef SCALARGRAD_NO_FREE_LIST
    if (type == state->value_type && state->free_count[edges] < FREE_LIST) {
        v->next = state->free[edges];
        state->free[edges] = v;
        state->free_count[edges]++;
    } else
#else
    (void)state, (void)edges;
#endif
        type->tp_free(v);
    Py_DECREF(type);
}

void release_custom(Custom *custom) {
    for (Py_ssize_t i = 0; i < custom->count; i++) {
        Py_DECREF(custom->edges[i].parent);
        if (custom->derivatives)
            Py_XDECREF(custom->derivatives[i]);
    }
    Py_XDECREF(custom->op);
    PyMem_Free(custom);
}

static inline void free_dead_value(State *state, Value *v) {
    switch (v->kind) {
    case UNARY: {
        Value *parent = v->edges[0].parent;
        free_node(state, v, 1);
        Py_DECREF(parent);
        break;
    }
    case BINARY: {
        Value *first = v->edges[0].parent, *second = v->edges[1].parent;
        free_node(state, v, 2);
        Py_DECREF(first);
        Py_DECREF(second);
        break;
    }
    case CUSTOM: {
        Custom *custom = v->custom;
        free_node(state, v, 1);
        release_custom(custom);
    }
    }
}

/* Whether dropping a reference to v frees no other node through it. */
static inline bool ends_here(Value *v) {
    return Py_REFCNT(v) > 1 || v->kind == LEAF || v->kind == ELEMENT;
}

/* A node whose parents have parents that would be freed with them is not freed at once but listed,
   and then freed by whoever began. */
void value_dealloc(PyObject *self) {
    Value *v = (Value *)self;
    State *state = value_state(self);
    if (v->kind == ELEMENT) {
        Block *block = v->block;
        block->handles[v->index] = NULL;
        free_node(state, v, 0);
        release_block(state, block);
        return;
    }
    if (UNLIKELY(v->label != NULL))
        Py_CLEAR(v->label);
    const Edge *edges = v->edges;
    if (v->kind == BINARY && ends_here(edges[0].parent) && ends_here(edges[1].parent) &&
        edges[0].parent != edges[1].parent) {
        free_dead_value(state, v);
    } else if (v->kind == UNARY && ends_here(edges[0].parent)) {
        free_dead_value(state, v);
    } else if (v->kind == LEAF) {
        free_node(state, v, 0);
    } else {
        v->next = state->dead_values;
        state->dead_values = v;
        if (!state->freeing)
            free_the_dead(state);
    }
}

/* Free the listed nodes, and those that are listed meanwhile because nothing else held them. */
void free_the_dead(State *state) {
    state->freeing = true;
    for (;;) {
        if (state->dead_values) {
            Value *v = state->dead_values;
            state->dead_values = v->next;
            free_dead_value(state, v);
        } else if (state->dead_blocks) {
            Block *block = state->dead_blocks;
            state->dead_blocks = block->next;
            destroy_block(state, block);
        } else {
            break;
        }
    }
    state->freeing = false;
}

/* ---- The state: it is never freed, since nobody knows when the last Value is ---- */

State *new_state(void) {
    State *state = PyMem_RawCalloc(1, sizeof(State)); /* raw, to outlive an interpreter */
    if (!state) {
        PyErr_NoMemory();
        return NULL;
    }
    state->asked_thread = UINT64_MAX;
    return state;
}

/* What remains when the module goes: enough to free the Values that are still there. */
void close_state(State *state) {
    Py_CLEAR(state->value_type);
    Py_CLEAR(state->vector_type);
    Py_CLEAR(state->pause_key);
    for (int op = 0; op < OP_COUNT; op++)
        Py_CLEAR(state->names[op]);
    for (int edges = 0; edges < 3; edges++) {
        while (state->free[edges]) {
            Value *v = state->free[edges];
            state->free[edges] = v->next;
            PyObject_Free(v);
        }
    }
    while (state->free_vectors) {
        Vector *vector = state->free_vectors;
        state->free_vectors = (Vector *)vector->row.loose;
        PyObject_Free(vector);
    }
    for (int size = 0; size < BLOCK_SIZES; size++) {
        while (state->free_blocks[size]) {
            Block *block = state->free_blocks[size];
            state->free_blocks[size] = block->next;
            PyMem_Free(block);
        }
    }
    PyMem_Free(state->matrices);
    for (int i = 0; i < 3; i++)
        PyMem_Free(state->kept[i].nodes);
    state->matrices = NULL;
    memset(state->kept, 0, sizeof(state->kept));
}

/* What a Value says that is computed with after that. */
PyObject *raise_closed(void) {
    PyErr_SetString(PyExc_RuntimeError,
                    "scalargrad: this module was unloaded, so nothing can be computed any more");
    return NULL;
}
