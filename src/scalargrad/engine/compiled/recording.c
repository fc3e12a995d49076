/* Whether operations record graphs: not in a thread that is inside no_grad (engine/recording.py). */

#include "docstrings.h"
#include "engine.h"

/* Python keeps a dict for each thread, and drops it when the thread ends. There the Pause is. */
static const char capsule_name[] = "scalargrad.engine.compiled.pause";

static void forget_pause(PyObject *capsule) {
    Pause *pause = PyCapsule_GetPointer(capsule, capsule_name);
    State *state = pause->state;
    state->paused_threads -= pause->depth > 0;
    if (state->asked_pause == pause) {
        state->asked_pause = NULL;
        state->asked_thread = UINT64_MAX;
    }
    PyMem_Free(pause);
}

/* The Pause of this thread, or NULL if it has none. */
static Pause *find_pause(State *state) {
    uint64_t thread = PyThreadState_GetID(PyThreadState_Get());
    if (thread == state->asked_thread)
        return state->asked_pause;
    PyObject *kept = PyThreadState_GetDict();
    PyObject *capsule = kept && state->pause_key ? PyDict_GetItem(kept, state->pause_key) : NULL;
    state->asked_pause = capsule ? PyCapsule_GetPointer(capsule, capsule_name) : NULL;
    state->asked_thread = thread;
    return state->asked_pause;
}

static Pause *new_pause(State *state) {
    PyObject *kept = PyThreadState_GetDict();
    Pause *pause = allocate(sizeof(Pause));
    if (!kept || !pause) {
        PyMem_Free(pause);
        PyErr_NoMemory();
        return NULL;
    }
    *pause = (Pause){state, PyThreadState_GetID(PyThreadState_Get()), 0};
    PyObject *capsule = PyCapsule_New(pause, capsule_name, forget_pause);
    if (!capsule) {
        PyMem_Free(pause);
        return NULL;
    }
    int failed = PyDict_SetItem(kept, state->pause_key, capsule);
    Py_DECREF(capsule);
    if (failed)
        return NULL;
    state->asked_thread = pause->thread;
    return state->asked_pause = pause;
}

/* Whether this thread is inside no_grad. Asked only while some thread is. */
bool is_paused(State *state) {
    Pause *pause = find_pause(state);
    return pause && pause->depth;
}

PyObject *pause_recording(PyObject *module, PyObject *unused) {
    (void)unused;
    State *state = module_state(module);
    Pause *pause = find_pause(state);
    if (!pause && !(pause = new_pause(state)))
        return NULL;
    state->paused_threads += !pause->depth++;
    Py_RETURN_NONE;
}

PyObject *resume_recording(PyObject *module, PyObject *exception) {
    (void)exception;
    State *state = module_state(module);
    Pause *pause = find_pause(state);
    if (!pause || !pause->depth) {
        PyErr_SetString(PyExc_RuntimeError, "no_grad: left in a thread that is not inside it");
        return NULL;
    }
    state->paused_threads -= !--pause->depth;
    Py_RETURN_NONE;
}
