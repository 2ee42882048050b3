"""A plain loop, Lightning and the Hugging Face Trainer give equal series; networks are built in place."""

import numpy as np
import pytest
import torch
from torch import nn

from dnn import Recorder
from dnn.data import load

pytestmark = pytest.mark.filterwarnings("ignore")  # of other people's imports
QUANTITIES = ["accuracy", "loss", "rank_gradient", "nc1", "weight_norm"]
SPLIT = load("mnist-mini")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10))


def named(split):
    return {"x": split[0], "labels": split[1]}


@pytest.fixture(scope="module")
def plain():
    module, recorder = network(), Recorder(SPLIT, QUANTITIES, samples=100)
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    batches = list(torch.arange(1000).split(50)) * 2
    for step, chosen in enumerate(batches, 1):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(SPLIT.x_train[chosen]), SPLIT.y_train[chosen]).backward()
        optimiser.step()
        recorder(module, step)
    return recorder.to_dataframe()


def assert_equal(recorder, plain):
    table = recorder.to_dataframe()
    table.columns = [name.removeprefix("network.") for name in table.columns]
    assert set(table.columns) == set(plain.columns)
    np.testing.assert_allclose(table[list(plain.columns)].values, plain.values, rtol=1e-6, atol=1e-9)


def test_a_lightning_run_gives_the_series_of_the_plain_loop(plain, tmp_path):
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = network()

        def forward(self, x):
            return self.network(x)

        def training_step(self, batch, _):
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    recorder = Recorder(SPLIT, QUANTITIES, samples=100)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[recorder.lightning()], accelerator="cpu", default_root_dir=tmp_path, **quiet
    )
    data = torch.utils.data.TensorDataset(SPLIT.x_train, SPLIT.y_train)
    trainer.fit(Module(), torch.utils.data.DataLoader(data, 50))
    assert_equal(recorder, plain)


def test_a_hugging_face_run_gives_the_series_of_the_plain_loop(plain, tmp_path):
    transformers = pytest.importorskip("transformers")

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network()

        def forward(self, x, labels=None):
            logits = self.network(x)
            loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
            return {"loss": loss, "logits": logits}

    class Digits(torch.utils.data.Dataset):
        def __len__(self):
            return 1000

        def __getitem__(self, i):
            return {"x": SPLIT.x_train[i], "labels": SPLIT.y_train[i]}

    class InOrder(transformers.Trainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(Digits())

    module = Module()
    recorder = Recorder(named(SPLIT[:2]), QUANTITIES, samples=100, test=named(SPLIT[2:]))
    settings = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=2,
        per_device_train_batch_size=50,
        max_grad_norm=0,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    constant = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    callbacks = [recorder.huggingface()]
    InOrder(module, settings, train_dataset=Digits(), callbacks=callbacks, optimizers=(optimiser, constant)).train()
    assert_equal(recorder, plain)
