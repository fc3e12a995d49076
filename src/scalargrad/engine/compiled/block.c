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
    block->chunk = NULL;
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
    block->next = state->dead_blocks;
    state->dead_blocks = block;
    if (!state->freeing)
        free_the_dead(state);
}

static void release_buffer(Block *block, Buffer *buffer) {
    if (!--buffer->refs && buffer != &block->own)
        PyMem_Free(buffer);
}

static Py_ssize_t chunk_length(const Block *block, Py_ssize_t chunk) {
    Py_ssize_t rest = block->count - chunk * CHUNK;
    return rest < CHUNK ? rest : CHUNK;
}

static void free_chunk(Chunk *chunk, Py_ssize_t length) {
    if (chunk && chunk->labels) {
        for (Py_ssize_t i = 0; i < length; i++)
            Py_XDECREF(chunk->labels[i]);
        PyMem_Free(chunk->labels);
    }
    PyMem_Free(chunk);
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
    if (block->count <= CHUNK) {
        free_chunk(block->chunk, block->count);
    } else if (block->chunks) {
        for (Py_ssize_t i = 0; i * CHUNK < block->count; i++)
            free_chunk(block->chunks[i], chunk_length(block, i));
        PyMem_Free(block->chunks);
    }
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

static Chunk **chunk_slot(Block *block, Py_ssize_t index) {
    return block->count <= CHUNK ? &block->chunk : &block->chunks[index / CHUNK];
}

static Chunk *chunk_for(Block *block, Py_ssize_t index) {
    if (block->count > CHUNK && !block->chunks) {
        Py_ssize_t chunks = (block->count + CHUNK - 1) / CHUNK;
        block->chunks = PyMem_Calloc(chunks, sizeof(Chunk *));
        if (!block->chunks) {
            PyErr_NoMemory();
            return NULL;
        }
    }
    Chunk **slot = chunk_slot(block, index);
    if (!*slot) {
        Py_ssize_t length = chunk_length(block, index / CHUNK);
        *slot = PyMem_Calloc(1, sizeof(Chunk) + length * sizeof(Value *));
        if (!*slot)
            PyErr_NoMemory();
    }
    return *slot;
}

static void drop_unused_chunk(Block *block, Py_ssize_t index) {
    Chunk **slot = chunk_slot(block, index);
    if (!(*slot)->live && !(*slot)->labels) {
        PyMem_Free(*slot);
        *slot = NULL;
    }
}

/* The Value that stands for one number of the block, as a new reference. */
Value *block_element(State *state, Block *block, Py_ssize_t index) {
    Chunk *chunk = chunk_for(block, index);
    if (!chunk)
        return NULL;
    Value **handle = &chunk->handles[index % CHUNK];
    if (*handle) {
        Py_INCREF(*handle);
        return *handle;
    }
    Value *v = allocate_node(state, 0, ELEMENT, OP_NONE);
    if (!v) {
        drop_unused_chunk(block, index);
        return NULL;
    }
    v->block = block;
    v->index = index;
    block->refs++;
    chunk->live++;
    return *handle = v;
}

void forget_element(Block *block, Py_ssize_t index) {
    Chunk *chunk = *chunk_slot(block, index);
    chunk->handles[index % CHUNK] = NULL;
    chunk->live--;
    drop_unused_chunk(block, index);
}

/* Labels belong to the block, as they outlive the Value they were given to. Borrowed, or NULL. */
PyObject *element_label(Value *v) {
    Chunk *chunk = *chunk_slot(v->block, v->index);
    return chunk->labels ? chunk->labels[v->index % CHUNK] : NULL;
}

int set_element_label(Value *v, PyObject *label) {
    Chunk *chunk = *chunk_slot(v->block, v->index);
    if (!chunk->labels) {
        chunk->labels = PyMem_Calloc(chunk_length(v->block, v->index / CHUNK), sizeof(PyObject *));
        if (!chunk->labels) {
            PyErr_NoMemory();
            return -1;
        }
    }
    PyObject **slot = &chunk->labels[v->index % CHUNK], *old = *slot;
    Py_INCREF(label);
    *slot = label;
    Py_XDECREF(old);
    return 0;
}
