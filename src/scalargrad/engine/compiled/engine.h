/* The compiled engine: the twin of scalargrad/engine/reference, bit for bit, in C.

   Read the reference first; what is computed, and why, stands there. This header has what all the
   files share: how a number, a row and a graph lie in memory. Then

       operations.h    each operation with its derivative     (reference/operations.py)
       operators.c     the operators and methods of Value     (reference/value.py)
       elementwise.c   the same on rows, number by number     (reference/vector.py)
       value.c         the type Value                         (reference/value.py)
       backward.c      backpropagation                        (reference/value.py)
       gradients.c     the same without touching .grad        (reference/gradients.py)
       recording.c     whether graphs are recorded            (reference/recording.py)
       numbers.c       what counts as a number, and messages  (engine/arguments.py)
       vector.c        the type Vector                        (reference/vector.py)
       attributes.c    its attributes                         (reference/vector.py)
       buffers.c       numbers of an array, copied at once
       row.c, block.c  rows of numbers                        (reference/vector.py)
       made.c          rows that were computed                (reference/vector.py)
       linear.c        linear and dot, on a matrix.c          (reference/fused.py)
       products.c      their loops
       sums.c          sum, mean, weighted_sum, concatenate   (reference/fused.py)
       fused.c         softmax, logsumexp and their kin       (reference/fused.py)
       origin.c        how an element of a row came about     (reference/vector.py)
       updates.c       the optimisers' steps                  (reference/updates.py)
       memory.c        making and freeing nodes
       module.c        the module
       inline.h        small things that everybody uses
       docstrings.h    what help() says                       (their docstrings)

   Three rules keep it safe. A graph has no cycles, since parents are set once, at birth; so Values
   need no garbage collector. Whatever can fail, fails before anything is changed. And no Python
   code runs while a pointer into something that Python code could change is held. */

#ifndef SCALARGRAD_ENGINE_H
#define SCALARGRAD_ENGINE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "operations.h"

enum { INTERFACE = 3 }; /* that of engine/__init__.py for which this was written */

typedef struct Value Value;
typedef struct Block Block;
typedef struct Matrix Matrix;
typedef struct State State;

extern const char *const op_names[OP_COUNT];

/* ---- Numbers ---- */

/* How a Value came about. The first three have as many edges as their number says. */
typedef enum { LEAF, UNARY, BINARY, CUSTOM, ELEMENT } Kind;

typedef struct {
    Value *parent;
    double local_grad;
} Edge;

/* The edges of a Value that was made by hand, with a name, with more than two parents, or with
   Values for local derivatives. */
typedef struct {
    PyObject *op;
    Py_ssize_t count;
    Value **derivatives; /* NULL if all were plain numbers; otherwise NULL for each that was */
    Edge edges[];
} Custom;

/* What is known of a Value in eight bytes, which are written at once. */
typedef struct {
    uint64_t epoch : 48; /* the pass of backward that saw it last */
    uint64_t kind : 8;
    uint64_t op : 8;
} Tag;

/* Only as much of this is allocated as the kind needs: a LEAF or ELEMENT ends before the edges. */
struct Value {
    PyObject_HEAD
    union {
        struct { double data, grad; };
        struct { Block *block; Py_ssize_t index; }; /* ELEMENT */
    };
    union {
        Tag tag;
        struct { uint64_t epoch : 48, kind : 8, op : 8; };
    };
    union {
        PyObject *label; /* NULL for "" */
        Value *next;     /* in the list of the dead or free */
    };
    union {
        Edge edges[2];
        Custom *custom;
    };
};

/* ---- Rows ---- */

/* Numbers that a row and the graphs that captured it share. Whoever writes to it while somebody
   else still holds it makes a copy first. */
typedef struct {
    Py_ssize_t refs;
} Buffer; /* the numbers follow */

/* Values that live elsewhere, in a row. */
typedef struct {
    Py_ssize_t refs;
    Py_ssize_t count;
    bool computed; /* whether one of them has parents */
    Value *values[];
} Loose;

/* A part of a block, or else of a collection of Values; with neither, a single Value. */
typedef struct {
    Block *block;
    Loose *loose;
    union {
        Py_ssize_t start;
        Value *value;
    };
    Py_ssize_t count;
} Row;

/* Numbers of a row that lie side by side, from the one with index `at` on, and their gradients. */
typedef struct {
    double *numbers, *grads;
    Py_ssize_t at, count;
} Span;

/* A row as it was at a forward pass. */
typedef struct {
    PyObject *item; /* the Vector whose row it is, or NULL if the row is held by itself */
    Row row;
    Buffer *buffer; /* what `numbers` points into if the row is part of a block */
    const double *numbers; /* NULL if there is no such input */
} Input;

/* The rows of a matrix at a forward pass. Graphs share it as long as no number in it changes. */
struct Matrix {
    Py_ssize_t refs;
    Py_ssize_t count, room; /* how many rows there are, and how many there is room for */
    Py_ssize_t width;       /* how long each row is; only where graphs may share it */
    bool captured;          /* whether the numbers are known already */
    bool computed;          /* whether one of the rows has parents */
    PyObject *source;       /* the tuple or list that it was made from; only an address */
    PyObject *tuple;        /* the same if it is a tuple; held */
    uint64_t replaced;      /* `state->replaced` at the time of capture */
    double *copies;         /* the numbers of rows that are not part of a block */
    uint64_t epoch;         /* the pass of backward that has listed the first `listed` rows */
    Py_ssize_t listed;
    Input inputs[];
};

/* How the numbers of a block were computed: from x, the rows of w, and b, in this order. */
typedef struct {
    Op op;
    bool single_x, single_b; /* whether it is one Value that serves all elements */
    Input x;
    Matrix *w;     /* linear, dot, weighted_sum, concatenate; otherwise NULL */
    Py_ssize_t rows; /* how many rows of w, from the first on */
    Input b;       /* linear, and operations of two operands */
    union {
        struct { double scale, eps; };                              /* rmsnorm */
        struct { double *probabilities; Py_ssize_t target; }; /* cross_entropy; logsumexp: -1 */
    };
} Made;

/* Numbers side by side, with their gradients: the result of one operation on rows, or parameters. */
struct Block {
    union {
        Py_ssize_t refs;
        Block *next; /* in the list of the dead */
    };
    uint64_t epoch : 56;
    uint64_t size : 8; /* of its memory, see new_block */
    Py_ssize_t count;
    Buffer *buffer;
    double *grads; /* the gradients, for all to see */
    Value **handles; /* the elements that exist right now, so that row[3] is row[3]; borrowed; NULL
                        until there was one */
    PyObject **labels; /* of elements; NULL until one was given */
    Made *made;      /* NULL for leaves */
    PyObject *label; /* NULL for "" */
    Buffer own; /* the first buffer; its numbers follow, then the grads, then what `made` needs */
};

typedef struct {
    PyObject_HEAD
    Row row;
    PyObject *label; /* NULL for "", and if it is the block's */
    bool blank;      /* not initialised yet */
} Vector;

/* ---- Walks through a graph ---- */

/* The address of a Value or a Block, and in the lowest bits which of these, and for a node on the
   stack whether everything that it was made from is listed. */
typedef uintptr_t Node;

enum { IS_BLOCK = 1, IS_DONE = 2 };

typedef struct {
    Node *nodes;
    Py_ssize_t count, size; /* how many there are, and how many there is room for */
} Nodes;

typedef struct {
    uint64_t epoch;
    bool with_leaves;
    Nodes stack, order, leaves;
    double *hidden; /* the gradients that gradients.c exchanges for theirs */
} Walk;

/* ---- What one interpreter has ----

   Values may outlive the module: in its last moments Python frees things in any order. What they
   need to be freed is here, and stays, some hundred bytes for each import. What belongs to the module
   goes with it: then the pointers to Python objects are NULL, and nothing new can be made. */

/* How deep a thread is inside no_grad; it goes with the thread. */
typedef struct {
    State *state;
    uint64_t thread;
    Py_ssize_t depth;
} Pause;

enum { FREE_LIST = 4096, BLOCK_SIZES = 40, MATRICES = 512 };

struct State {
    PyTypeObject *value_type;
    PyTypeObject *vector_type;
    PyObject *names[OP_COUNT];

    uint64_t epoch;
    uint64_t replaced; /* how often a buffer was replaced because somebody else held it */
    Matrix **matrices; /* those that live, by their source; borrowed */

    Py_ssize_t paused_threads; /* how many are inside no_grad */
    PyObject *pause_key;       /* of the Pause in what Python keeps for a thread */
    uint64_t asked_thread;     /* the one that was asked about last, and its Pause, or NULL */
    Pause *asked_pause;

    Value *free[3]; /* memory for new Values, by the number of edges */
    int free_count[3];
    Vector *free_vectors; /* likewise, each `row.loose` being the next */
    int free_vector_count;
    Block *free_blocks[BLOCK_SIZES]; /* by size */
    int free_block_count;
    Value *dead_values; /* waiting to be freed, so that freeing needs no recursion */
    Block *dead_blocks;
    bool freeing;

    Nodes kept[3]; /* memory of the last walk */
};

#if defined(__GNUC__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#endif

/* A function whose loops are worth the wider vectors that a processor may have; it chooses when the
   module is loaded. The bits stay the same, as no lane adds to another and none is contracted. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* ---- memory.c ---- */

void value_dealloc(PyObject *self);
void release_custom(Custom *custom);
Value *new_node_memory(State *state, int edges);
PyObject *new_object(PyTypeObject *type);
void free_the_dead(State *state);
void *allocate(Py_ssize_t size);
State *new_state(void);
void close_state(State *state);
PyObject *raise_closed(void);

/* ---- numbers.c ---- */

PyObject *call(const char *module, const char *function, const char *format, ...);
PyObject *from_arguments(const char *function, const char *format, ...);
int asked_of_arguments(const char *function, PyObject *x);
int is_real(State *state, PyObject *x);
int as_double(PyObject *x, double *number, const char *argument, ...);
void raise_type(PyObject *got, const char *expected, const char *argument, ...);
PyObject *as_text(PyObject *text, const char *argument);
int check_not_deleted(PyObject *self, PyObject *value, const char *name);
int refuse_to_write(PyObject *self, PyObject *value, void *name);
PyObject *iterator_of(PyObject *x, const char *function, PyObject *argument);
int parse(const char *function, const char *const *names, int required, int positional, int count,
          PyObject *const *args, Py_ssize_t given, PyObject *keywords, PyObject **into);
int parse_call(const char *function, const char *const *names, int required, int positional,
               int count, PyObject *args, PyObject *keywords, PyObject **into);

/* ---- module.c ---- */

PyObject *import_from(const char *module, const char *name);
/* How a notebook shows a Value or a row; and its place in a table of methods. */
PyObject *mime_bundle(PyObject *self, PyObject *args, PyObject *keywords);
#define MIME_BUNDLE(thing)                                                                         \
    {"_repr_mimebundle_", (PyCFunction)(void (*)(void))mime_bundle, METH_VARARGS | METH_KEYWORDS,  \
     "_repr_mimebundle_($self, include=None, exclude=None)\n--\n\n"                                \
     "How a notebook shows this " thing ": see scalargrad.graph.mime_bundle."}
void raise_not_initialised(PyObject *thing);

/* ---- recording.c ---- */

bool is_paused(State *state);
PyObject *pause_recording(PyObject *module, PyObject *unused);
PyObject *resume_recording(PyObject *module, PyObject *exception);

/* ---- backward.c ---- */

typedef int CheckSignals(Walk *walk);
Walk begin_walk(State *state);
void end_walk(State *state, Walk *walk);
int reserve(Nodes *nodes, Py_ssize_t more);
int sort_from(State *state, Walk *walk, PyObject *const *outputs, Py_ssize_t count);
void list_leaf(Walk *walk, Node node);
int hand_down(Walk *walk, CheckSignals *check_signals);
PyObject *value_backward(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords);

/* ---- value.c, operators.c, origin.c ---- */

extern PyType_Spec value_spec;
PyObject *value_vectorcall(PyObject *type, PyObject *const *args, size_t n, PyObject *keywords);
PyObject *maximum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords);
PyObject *minimum(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords);
PyObject *arc_tangent(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords);
PyObject *value_compare(PyObject *self, PyObject *other, int comparison);
PyObject *element_parents(State *state, Value *v);
PyObject *element_local_grads(Value *v);
PyObject *value_history(PyObject *self, PyObject *unused);
PyObject *value_unchanged(PyObject *self, PyObject *unused);
PyObject *vector_history(PyObject *self, PyObject *unused);
PyObject *vector_unchanged(PyObject *self, PyObject *unused);

/* The operators and methods, of Value and of Vector. */
#define DECLARED(name, ...) PyObject *operator_##name(PyObject *a, PyObject *b);
BINARY_OPERATIONS(DECLARED)
UNARY_OPERATIONS(DECLARED)
#undef DECLARED
PyObject *operator_power(PyObject *a, PyObject *b, PyObject *modulus);
PyObject *operator_negative(PyObject *a);
PyObject *operator_positive(PyObject *a);
PyObject *operator_absolute(PyObject *a);
PyObject *raise_failure(Failure failure, Op op, const char *prefix, double a, double b);

/* ---- elementwise.c ---- */

PyObject *rows_operator(State *state, Op op, PyObject *a, PyObject *b);
PyObject *rows_function(State *state, Op op, const char *const *names, PyObject *const *operands);
PyObject *row_method(State *state, Op op, PyObject *a);
int is_sequence(PyObject *x);
void hand_down_elementwise(Block *block);
void elementwise_local_grads(const Block *block, Py_ssize_t index, double *into);

/* ---- block.c ---- */

Block *new_block(State *state, Py_ssize_t count, Py_ssize_t extra);
void release_block(State *state, Block *block);
void destroy_block(State *state, Block *block);
void forget_origin(State *state, Block *block);
double *writable_numbers(State *state, Block *block);
Value *block_element(State *state, Block *block, Py_ssize_t index);
int set_element_label(Value *v, PyObject *label);

/* ---- row.c ---- */

typedef struct {
    const char *function, *argument;
    Py_ssize_t index; /* -1, or the number of the row among several */
} Name;

int as_row(State *state, PyObject *values, Name name, Row *row);
int as_filled_row(State *state, PyObject *values, Name name, Row *row);
PyObject *as_sequence(PyObject *values, Name name);
Value *row_element(State *state, const Row *row, Py_ssize_t index);
Row held(Row row);
void release_row(State *state, Row *row);
int make_writable(State *state, const Row *row);
bool row_is_unchanged(const Input *input);
Loose *new_loose(Py_ssize_t count);
void capture(Input *input, double *space);
void release_input(State *state, Input *input);

/* ---- buffers.c ---- */

bool view_of_doubles(PyObject *x, Py_buffer *view);
Block *block_of_doubles(State *state, PyObject *x);

/* ---- matrix.c ---- */

Matrix *new_matrix(Py_ssize_t count);
Matrix *as_matrix(State *state, PyObject *w, Name name, Py_ssize_t *count);
PyObject *matrix_widths(const Matrix *matrix, Py_ssize_t count);
int capture_matrix(State *state, Matrix **place);
void release_matrix(State *state, Matrix *matrix);

/* ---- vector.c ---- */

extern PyType_Spec vector_spec;
void vector_dealloc(PyObject *self);
PyObject *new_vector(State *state, Row *row);
PyObject *vector_vectorcall(PyObject *type, PyObject *const *args, size_t n, PyObject *keywords);
PyObject *vector_function(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *keywords);

/* ---- attributes.c ---- */

extern PyGetSetDef vector_attributes[];
PyObject *vector_place(PyObject *self, PyObject *unused);
PyObject *vector_array_ufunc(PyObject *self, PyObject *args, PyObject *keywords);

/* ---- made.c ---- */

Block *new_computed(State *state, Op op, Py_ssize_t count, Row *x, Matrix *w, Row *b,
                    Py_ssize_t room);
double *made_room(const Made *made);
PyObject *finished_row(State *state, Block *block);
PyObject *finished_value(State *state, Block *block);
void contribute(const Row *row, Py_ssize_t start, Py_ssize_t count, const double *shares);
void contribute_multiples(const Input *rows, Py_ssize_t count, const double *factors,
                          bool skip_zeros, const double *numbers);

/* ---- products.c ---- */

enum { COLUMNS = 64 };

void products(const Input *rows, Py_ssize_t m, const double *x, Py_ssize_t n, double *y);
void column_sums(const double *factors, const Input *rows, Py_ssize_t count, Py_ssize_t first,
                 Py_ssize_t columns, double *sums);
void live_column_sums(const double *factors, const Input *rows, Py_ssize_t count, Py_ssize_t first,
                      Py_ssize_t columns, double *sums);

/* ---- linear.c, sums.c, fused.c, updates.c ---- */

typedef PyObject *Function(PyObject *module, PyObject *const *args, Py_ssize_t n,
                           PyObject *keywords);
Function ieee_node, linear, dot, weighted_sum, concatenate, softmax, rmsnorm, logsumexp;
Function cross_entropy;
Function zero_grads, sgd_update, adam_update, gradients;
PyObject *vector_sum(PyObject *self, PyObject *unused);
PyObject *vector_mean(PyObject *self, PyObject *unused);
void hand_down_linear(Block *block);
void hand_down_sums(Block *block);
void hand_down_fused(Block *block);
void fused_shares(const Block *block, const double *g, double *into);

#include "inline.h"

#endif
