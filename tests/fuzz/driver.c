/* libFuzzer's side: an interpreter inside, to which it hands one input after another.

   The modules under test are compiled with coverage and sanitizers and are loaded as any other
   extension; they find the sanitizers' symbols in this program. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

enum { ROOM = 1 << 17, GROWTH = 64 };

static PyObject *run, *mutated, *change;

/* An exception is a finding: libFuzzer keeps the input of a process that aborts. */
static void give_up(void) {
    PyErr_Print();
    abort();
}

static PyObject *py_change(PyObject *self, PyObject *argument) {
    static uint8_t room[ROOM];
    (void)self;
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(argument, &data, &size) < 0) return NULL;
    if (size > ROOM - GROWTH) size = ROOM - GROWTH;
    memcpy(room, data, size);
    size_t changed = LLVMFuzzerMutate(room, size, size + GROWTH);
    return PyBytes_FromStringAndSize((char *)room, changed);
}

static PyMethodDef change_method = {"change", py_change, METH_O, "Change bytes."};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    config.use_hash_seed = 1; /* an input must do the same every time */
    config.hash_seed = 0;
    config.write_bytecode = 0;
    PyConfig_SetBytesString(&config, &config.program_name, FUZZ_PYTHON);
    PyStatus status = Py_InitializeFromConfig(&config);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    PyConfig_Clear(&config);
    PyObject *path = PySys_GetObject("path");
    PyObject *tests = PyUnicode_FromString(FUZZ_TESTS), *package = PyUnicode_FromString(FUZZ_PACKAGE);
    if (!path || !tests || !package || PyList_Insert(path, 0, tests) < 0 ||
        PyList_Insert(path, 0, package) < 0)
        give_up();
    PyObject *module = PyImport_ImportModule("target");
    if (!module) give_up();
    run = PyObject_GetAttrString(module, "run");
    mutated = PyObject_GetAttrString(module, "mutated");
    change = PyCFunction_New(&change_method, NULL);
    if (!run || !mutated || !change) give_up();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    PyObject *result = PyObject_CallFunction(run, "y#", (const char *)data, (Py_ssize_t)size);
    if (!result) give_up();
    Py_DECREF(result);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed) {
    if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, most);
    PyObject *made = PyObject_CallFunction(mutated, "y#IO", (const char *)data, (Py_ssize_t)size,
                                           seed, change);
    if (!made) give_up();
    size_t length = PyBytes_GET_SIZE(made);
    if (length <= most) memcpy(data, PyBytes_AS_STRING(made), length);
    Py_DECREF(made);
    return length <= most ? length : LLVMFuzzerMutate(data, size, most);
}
