"""Autoencoders whose weights the user brings: files are read without running them, and wrong ones are told apart."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from generators.images import to_float
from tests.make_media import photo

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from generators.outside import outside_generator  # noqa: E402
from generators.outside_decoder import OutsideAutoencoder  # noqa: E402
from generators.restoration.tiny_decoder import TinyDecoder, TinyEncoder, read_numbers, tiny  # noqa: E402
from generators.samples import write_samples  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Encoder and decoder of 16 latents with a bypass, as PyTorch writes archives and as safetensors, in halves."""
    folder = tmp_path_factory.mktemp("weights")
    files = {}
    for name, kind in (("encoder", TinyEncoder), ("decoder", TinyDecoder)):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            state = {key: value.half() for key, value in kind(16, bypass=True).state_dict().items()}
        torch.save(state, folder / f"{name}.pth")
        save_file(state, folder / f"{name}.safetensors")
        files |= {f"{name}.pth": folder / f"{name}.pth", name: folder / f"{name}.safetensors"}
    return files


@pytest.mark.parametrize(("name", "kind"), [("encoder", TinyEncoder), ("decoder", TinyDecoder)])
def test_both_kinds_of_files_give_the_weights_that_were_written(
    files: dict[str, Path], name: str, kind: type[TinyEncoder]
) -> None:
    from safetensors.torch import load_file

    written = load_file(files[name])
    for path in (files[name], files[f"{name}.pth"]):
        state = tiny(kind, path).state_dict()
        assert state.keys() == written.keys()
        assert all(torch.equal(state[key], written[key].float()) for key in written)


def test_the_pickle_in_an_archive_is_never_opened(files: dict[str, Path], tmp_path: Path) -> None:
    poisoned = tmp_path / "decoder.pth"
    with zipfile.ZipFile(files["decoder.pth"]) as old, zipfile.ZipFile(poisoned, "w") as new:
        for member in old.infolist():
            new.writestr(member, b"cos\nabort\n(tR." if member.filename.endswith(".pkl") else old.read(member))
    same = zip(read_numbers(poisoned), read_numbers(files["decoder"]), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_photos_of_any_size_come_back_and_the_seed_changes_nothing(files: dict[str, Path]) -> None:
    outside = OutsideAutoencoder(files["encoder"], files["decoder.pth"])
    sources = np.concatenate([to_float(photo(seed, width=75, height=41)) for seed in range(2)])
    batch = outside.forge(sources, seed=1)
    assert batch.images.shape == sources.shape
    assert batch.masks.all()
    alone = outside.forge(sources[1:], seed=7)
    assert np.abs(alone.images[0] - batch.images[1]).max() < 1e-5
    assert not np.array_equal(batch.images[0], batch.images[1])
    with pytest.raises(ValueError, match="at least 32 pixels"):
        outside.forge(sources[:, :, :31], seed=1)


def test_one_file_may_hold_both_halves(files: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file

    halves = {half: load_file(files[half]) for half in ("encoder", "decoder")}
    both = {f"{half}.{name}": tensor for half, state in halves.items() for name, tensor in state.items()}
    save_file(both, tmp_path / "both.safetensors")
    source = to_float(photo(1, width=64, height=48))
    apart = outside_generator([files["encoder"], files["decoder"]]).forge(source, seed=1)
    assert np.array_equal(outside_generator([tmp_path / "both.safetensors"]).forge(source, seed=1).images, apart.images)


def test_files_that_name_no_network_are_refused(files: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match=r"an encoder and a decoder.*got encoder\.pth"):
        outside_generator([files["encoder.pth"]])
    with pytest.raises(ValueError, match="got none"):
        outside_generator([])


def test_its_fakes_are_written_and_labelled_like_any(files: dict[str, Path], tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "holiday").mkdir()
    Image.fromarray(photo(1, width=64, height=48)).save(tmp_path / "holiday" / "1.png")
    outside = OutsideAutoencoder(files["encoder"], files["decoder"])
    write_samples(outside, tmp_path / "fakes", n=1, photos=[tmp_path / "holiday"])
    with Image.open(tmp_path / "fakes" / "0000.png") as fake:
        assert fake.size == (64, 48)
        assert "reconstruct-outside" in fake.info["Generator"]
    assert b"compositeWithTrainedAlgorithmicMedia" in (tmp_path / "fakes" / "0000.png").read_bytes()


def test_wrong_files_are_refused_in_one_line(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights"):
        read_numbers(tmp_path / "none.pth")
    with pytest.raises(ValueError, match="does not fit TinyEncoder"):
        OutsideAutoencoder(files["decoder"], files["decoder"])
    old = tmp_path / "old.pth"
    torch.save({"a": torch.zeros(3)}, old, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="older PyTorch files are one pickle"):
        read_numbers(old)
    (tmp_path / "cut.safetensors").write_bytes(files["encoder"].read_bytes()[:1000])
    with pytest.raises(ValueError, match="no safetensors"):
        read_numbers(tmp_path / "cut.safetensors")
    (tmp_path / "cut.pth").write_bytes(files["encoder.pth"].read_bytes()[:-3000])
    with pytest.raises(ValueError, match=r"cut\.pth"):
        read_numbers(tmp_path / "cut.pth")
