import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pixelveil.errors import IntegrityError, UsageError
from pixelveil.training.learned_features import Judge, classifier_features, frozen, random_vgg, vgg_from


def test_it_is_vgg16_up_to_relu2_2():
    """Beside torchvision's own definition, with the same weights."""
    vgg = pytest.importorskip("torchvision.models.vgg")
    published = vgg.make_layers(vgg.cfgs["D"])[:9].eval()
    ours = random_vgg(seed=3)
    published.load_state_dict(ours.state_dict())
    images = torch.rand(2, 3, 16, 12)
    torch.testing.assert_close(ours(images), published(images))
    assert ours(images).shape == (2, 128, 8, 6)


def test_random_weights_keep_the_scale_and_follow_the_seed():
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert 0.3 < random_vgg(seed=0)(images).square().mean() < 3
    assert torch.equal(random_vgg(seed=1)[0].weight, random_vgg(seed=1)[0].weight)
    assert not torch.equal(random_vgg(seed=1)[0].weight, random_vgg(seed=2)[0].weight)


def test_weights_come_from_a_file(tmp_path):
    source = random_vgg(seed=5)
    tensors = {f"features.{name}": tensor for name, tensor in source.state_dict().items()}
    path = tmp_path / "vgg.safetensors"
    save_file(tensors | {"classifier.0.weight": torch.zeros(2, 2)}, path)
    loaded = vgg_from(path)
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name])
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "vgg.safetensors"
    with pytest.raises(UsageError, match="cannot be read"):
        vgg_from(path)
    path.write_bytes(b"pickle")
    with pytest.raises(IntegrityError, match="first layers of VGG16"):
        vgg_from(path)
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(IntegrityError, match="first layers of VGG16"):
        vgg_from(path)
    good = {f"features.{name}": tensor for name, tensor in random_vgg(seed=0).state_dict().items()}
    save_file(good | {"features.0.weight": torch.zeros(32, 3, 3, 3)}, path)
    with pytest.raises(IntegrityError, match="first layers of VGG16"):
        vgg_from(path)


def test_early_layers_of_a_classifier():
    timm = pytest.importorskip("timm")
    model = frozen(timm.create_model("test_resnet", num_classes=2))
    images = torch.rand(1, 3, 32, 32)
    named = classifier_features(model, layer="layer1")(images)
    stage = model.feature_info[1]["module"]
    assert stage == "layer1"
    torch.testing.assert_close(classifier_features(model)(images), named)
    assert named.shape[1] == model.feature_info[1]["num_chs"]
    assert not model.layer1._forward_hooks


def test_layers_that_are_not_there():
    with pytest.raises(UsageError, match="has no layer 'layer9'"):
        classifier_features(nn.Sequential(nn.Flatten()), layer="layer9")
    with pytest.raises(UsageError, match="does not name its stages"):
        classifier_features(nn.Sequential(nn.Flatten()))


def test_normalization_is_imagenets_unless_said():
    judge = Judge(nn.Identity(), nn.Identity())
    white = judge.normalized(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([2.2489, 2.4286, 2.6400]), atol=1e-4, rtol=0)
    half = Judge(nn.Identity(), nn.Identity(), mean=(0.5,) * 3, std=(0.5,) * 3)
    assert half.normalized(torch.zeros(1, 3, 1, 1)).flatten().tolist() == [-1, -1, -1]
