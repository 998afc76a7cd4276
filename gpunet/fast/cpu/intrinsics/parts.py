"""How functions that only kernels call are compiled: typed and lowered, no more."""

from typing import Any


def part_compiler() -> Any:
    """Return numba's compiler without machine code for the function itself.

    numba would optimize and emit each function for itself, and again in every one that
    calls it: half of the time that compiling takes.
    """
    from numba.core.compiler import CompilerBase

    library = _library()

    class PartCompiler(CompilerBase):
        def define_pipelines(self):
            state = self.state
            state.flags.no_compile = True
            code = state.targetctx.codegen()
            state.library = library(code, state.func_id.func_qualname)
            return [_passes()]

        def compile_extra(self, func):
            # numba knows a compiled function by what Python would call.
            result, name = super().compile_extra(func), object().__sizeof__
            libraries = [result.library]
            self.state.targetctx.insert_user_function(name, result.fndesc, libraries)
            return result._replace(entry_point=name)

    return PartCompiler


def _library() -> Any:
    from numba.core.codegen import JITCodeLibrary

    class Part(JITCodeLibrary):
        def _optimize_functions(self, ll_module):
            pass

        def _optimize_final_module(self):
            if not self._linking_libraries:  # else in the kernel: it is faster there
                super()._optimize_functions(self._final_module)
                super()._optimize_final_module()

        def _finalize_final_module(self):
            self._finalized = True

    return Part


def _passes() -> Any:
    """Return numba's passes but those for closures, lists and arrays as values."""
    from numba.core import typed_passes as typed
    from numba.core import untyped_passes as untyped
    from numba.core.compiler_machinery import PassManager

    manager = PassManager("part")
    for each in (
        *(untyped.TranslateByteCode, untyped.FixupArgs, untyped.IRProcessing),
        *(untyped.RewriteSemanticConstants, untyped.DeadBranchPrune),
        *(untyped.GenericRewrites, untyped.ReconstructSSA),
        *(typed.NopythonTypeInference, typed.PreLowerStripPhis),
        *(typed.NativeLowering, typed.NoPythonBackend),
    ):
        manager.add_pass(each, each.__name__)
    manager.finalize()
    return manager
