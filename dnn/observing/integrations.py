"""The recorder as a callback of Lightning and of the Hugging Face Trainer."""

from __future__ import annotations

from typing import Any, Protocol

HOW = "pip install 'toymodels[integrations]'"


class Records(Protocol):
    """What a callback asks of a recorder."""

    def __call__(self, module: Any, step: int) -> None:
        """Record if the step is due."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""


def lightning_callback(recorder: Records) -> Any:
    """A `lightning.Callback` that calls the recorder after every batch; its state goes into Lightning's checkpoints.

    Parameters
    ----------
    recorder : dnn.Recorder

    Raises
    ------
    ImportError
        If Lightning is not installed.
    """
    try:
        import lightning
    except ImportError:
        raise ImportError(f"needs lightning: {HOW}") from None

    class Recording(lightning.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
            recorder(pl_module, trainer.global_step)

        def state_dict(self) -> dict[str, Any]:
            return recorder.state_dict()

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            recorder.load_state_dict(state_dict)

    return Recording()


def huggingface_callback(recorder: Records) -> Any:
    """A `transformers.TrainerCallback` that calls the recorder after every step.

    Parameters
    ----------
    recorder : dnn.Recorder

    Raises
    ------
    ImportError
        If transformers is not installed.
    """
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise ImportError(f"needs transformers: {HOW}") from None

    class Recording(TrainerCallback):
        def on_step_end(self, args, state, control, **more) -> None:
            recorder(more["model"], state.global_step)

    return Recording()
