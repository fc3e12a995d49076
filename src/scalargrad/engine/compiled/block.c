/* Blocks: numbers side by side with their gradients. A whole block is one node of the graph, and
   its elements become Values only when somebody asks for them. */

#include "engine.h"

/* Memory of small blocks is kept for the next, by its size in these units. */
enum { UNIT = 64 };

static Block *block_memory(State *state, Py_ssize_t bytes) {
    Py_ssize_t size = (bytes + UNIT - 1) / UNIT;
    if (size >= BLOCK_SIZES)
        size = 0;
    Block *block = state->free_blocks[size];
    if (block) {
        state->free_blocks[size] = block->next;
        state->free_block_count--;
    } else if ((block = allocate(size ? size * UNIT : bytes))) {
        block->size = size;
    }
    return block;
}

static void free_block_memory(State *state, Block *block) {
#ifndef SCALARGRAD_NO_FREE_LIST
    if (block->size && state->free_block_count < FREE_LIST / 4 && state->vector_type) {
        block->next = state->free_blocks[block->size];
        state->free_blocks[block->size] = block;
        state->free_block_count++;
        return;
    }
#else
    (void)state;
#endif
    PyMem_Free(block);
}

/* Room for `count` numbers, which the caller sets, and gradients of 0; and for `extra` bytes. */
Block *new_block(State *state, Py_ssize_t count, Py_ssize_t extra) {
    if (count > (PY_SSIZE_T_MAX - extra) / 32) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_ssize_t numbers = 2 * count * (Py_ssize_t)sizeof(double);
    Block *block = block_memory(state, (Py_ssize_t)sizeof(Block) + numbers + extra);
    if (!block)
        return NULL;
    block->refs = 1;
    block->epoch = 0;
    block->count = count;
    block->buffer = &block->own;
    block->handles = NULL;
    block->labels = NULL;
    block->made = NULL;
    block->label = NULL;
    block->own.refs = 1;
    block->grads = own_grads(block);
    memset(block->grads, 0, count * sizeof(double));
    return block;
}

void release_block(State *state, Block *block) {
    if (--block->refs)
        return;
    if (!block->made) { /* nothing can be freed with it */
        destroy_block(state, block);
        return;
    }
    block->next = state->dead_blocks;
    state->dead_blocks = block;
    if (!state->freeing)
        free_the_dead(state);
}

static void release_buffer(Block *block, Buffer *buffer) {
    if (!--buffer->refs && buffer != &block->own)
        PyMem_Free(buffer);
}

/* Make it a leaf. */
void forget_origin(State *state, Block *block) {
    Made *made = block->made;
    block->made = NULL;
    if (made->x.numbers)
        release_input(state, &made->x);
    if (made->w)
        release_matrix(state, made->w);
    if (made->b.numbers)
        release_input(state, &made->b);
    release_buffer(block, &block->own);
}

void destroy_block(State *state, Block *block) {
    for (Py_ssize_t i = 0; block->labels && i < block->count; i++)
        Py_XDECREF(block->labels[i]);
    PyMem_Free(block->labels);
    PyMem_Free(block->handles);
    if (block->made)
        forget_origin(state, block);
    Py_XDECREF(block->label);
    release_buffer(block, block->buffer);
    free_block_memory(state, block);
}

/* The numbers, for writing: copied first if a graph relies on them. NULL if there is no memory. */
double *writable_numbers(State *state, Block *block) {
    Buffer *old = block->buffer;
    if (old->refs > 1) {
        Buffer *fresh = &block->own;
        if (fresh->refs) {
            fresh = allocate((Py_ssize_t)sizeof(Buffer) + block->count * (Py_ssize_t)sizeof(double));
            if (!fresh)
                return NULL;
        }
        fresh->refs = 1;
        memcpy(buffer_numbers(fresh), buffer_numbers(old), block->count * sizeof(double));
        old->refs--;
        block->buffer = fresh;
        state->replaced++;
    }
    return buffer_numbers(block->buffer);
}

/* ---- Elements ---- */

/* A pointer for each number of the block, all NULL at first. */
static int need_pointers(Block *block, void **pointers) {
    if (!*pointers && !(*pointers = PyMem_Calloc(block->count, sizeof(void *))))
        return PyErr_NoMemory(), -1;
    return 0;
}

/* The Value that stands for one number of the block, as a new reference. */
Value *block_element(State *state, Block *block, Py_ssize_t index) {
    if (need_pointers(block, (void **)&block->handles))
        return NULL;
    Value **handle = &block->handles[index];
    if (*handle)
        return (Value *)Py_NewRef(*handle);
    Value *v = allocate_node(state, 0, ELEMENT, OP_NONE);
    if (!v)
        return NULL;
    v->block = block;
    v->index = index;
    block->refs++;
    return *handle = v;
}

/* It belongs to the block, as it outlives the Value it was given to. */
int set_element_label(Value *v, PyObject *label) {
    if (need_pointers(v->block, (void **)&v->block->labels))
        return -1;
    Py_XSETREF(v->block->labels[v->index], Py_NewRef(label));
    return 0;
}
