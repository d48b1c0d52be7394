"""Every network of the acceptance run: where its weights are and what a user would say about it."""

from functools import partial

from benchmarks.real_networks.cifar_resnet import CifarResNet
from benchmarks.real_networks.espnet import ESPNet
from benchmarks.real_networks.lprnet import SYMBOLS, LPRNet
from benchmarks.real_networks.mobilenet_v1 import MobileNetV1
from benchmarks.real_networks.network import Check, RealNetwork
from benchmarks.real_networks.pidinet import PiDiNet, with_plain_kernels
from benchmarks.real_networks.sinet import SINet
from benchmarks.real_networks.small_nets import DigitAutoencoder, LeNet5, robust_net
from benchmarks.real_networks.squeezenet import squeezenet
from benchmarks.real_networks.weights import builder, keras_network, loaded
from service.core.manifest import Architecture, ChannelOrder, InputSpec, TaskKind

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


_CIFAR_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_DIGITS = tuple("0123456789")
_EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_CAMVID = (
    *("sky", "building", "pole", "road", "pavement", "tree"),
    *("sign", "fence", "car", "pedestrian", "bicyclist", "void"),
)


def _cifar(depth: int, file: str, claimed: float) -> RealNetwork:
    return RealNetwork(
        name=f"resnet{depth}-cifar10",
        weights=f"cifar10_resnet_akamaster/{file}",
        build=builder(partial(CifarResNet, (depth - 2) // 6)),
        task=TaskKind.CLASSIFICATION,
        group="cifar10",
        family="resnet",
        input=InputSpec(height=32, width=32, mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
        trained_on="CIFAR-10",
        license="BSD-2-Clause",
        check=Check.CIFAR10,
        claimed=claimed,
        classes=_CIFAR_CLASSES,
    )


def _coral(width: float, side: int, file: str, claimed: float) -> RealNetwork:
    return RealNetwork(
        name=f"mobilenet-v1-{width}-{side}-coral",
        weights=f"coral_mobilenets_torch/{file}",
        build=builder(partial(MobileNetV1, width)),
        task=TaskKind.CLASSIFICATION,
        group="imagenet",
        family="mobilenet-v1",
        input=InputSpec(height=side, width=side, range=(-1.0, 1.0)),
        trained_on="ImageNet-1k",
        license="Apache-2.0",
        check=Check.IMAGENET,
        claimed=claimed,
        background=1,
    )


def _pidinet(size: str, width: int, context: int) -> RealNetwork:
    make = partial(PiDiNet, width, context)
    return RealNetwork(
        name=f"pidinet-{size}",
        weights=f"edge_pidinet/table5_pidinet-{size}.pth",
        build=lambda path: with_plain_kernels(loaded(make(), path)),
        task=TaskKind.EDGES,
        group="edges",
        family="pidinet",
        input=InputSpec(height=256, width=256, mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
        trained_on="BSDS500 and PASCAL context edges",
        license="MIT, non-commercial weights",
        check=Check.NONE,
        feature_layer="block4_4",
    )


def _face(name: str, file: str, classes: tuple[str, ...], group: str) -> RealNetwork:
    return RealNetwork(
        name=name,
        weights=f"emotion_gender_torch/{file}.pth",
        build=keras_network,
        task=TaskKind.CLASSIFICATION,
        group=group,
        family="mini-xception",
        input=InputSpec(channels=1, height=64, width=64, range=(-1.0, 1.0)),
        trained_on="IMDB faces" if group == "gender" else "FER2013",
        license="MIT",
        check=Check.NONE,
        classes=classes,
    )


def _robust(file: str, check: Check, group: str, claimed: float) -> RealNetwork:
    return RealNetwork(
        name=f"robust-small-{group}",
        weights=f"robust_small_locuslab/models/{file}.pth",
        build=builder(robust_net),
        task=TaskKind.CLASSIFICATION,
        group=group,
        family="robust-small",
        input=InputSpec(channels=1, height=28, width=28),
        trained_on=str(check).removesuffix(" test"),
        license="MIT",
        check=check,
        claimed=claimed,
    )


def _keras_imagenet() -> RealNetwork:
    return RealNetwork(
        name="mobilenet-v1-0.25-224-stm32",
        weights="stm32_torch/ImageNet__mobilenet_v1_0p25_224.pth",
        build=keras_network,
        task=TaskKind.CLASSIFICATION,
        group="imagenet",
        family="mobilenet-v1",
        input=InputSpec(height=224, width=224, range=(-1.0, 1.0)),
        trained_on="ImageNet-1k",
        license="Apache-2.0",
        check=Check.IMAGENET,
        claimed=58.3,
    )


def _squeezenet() -> RealNetwork:
    return RealNetwork(
        name="squeezenet-1.0-pruned",
        weights="imagenet_squeezenet_deepcompression/"
        "squeezenet1_0_deepcompression_torchvision_names.pth",
        build=builder(squeezenet),
        task=TaskKind.CLASSIFICATION,
        group="imagenet",
        family="squeezenet",
        input=InputSpec(height=227, width=227, mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
        trained_on="ImageNet-1k",
        license="BSD-2-Clause",
        check=Check.IMAGENET,
        claimed=61.9,
        architecture=Architecture(library="torchvision", name="squeezenet1_0"),
    )


def _tiny_resnet() -> RealNetwork:
    return RealNetwork(
        name="resnet8-cifar10-mlcommons",
        weights="mlcommons_torch/resnet8_cifar10.pth",
        build=keras_network,
        task=TaskKind.CLASSIFICATION,
        group="cifar10",
        family="resnet",
        input=InputSpec(height=32, width=32, range=(0.0, 255.0)),
        trained_on="CIFAR-10",
        license="Apache-2.0",
        check=Check.CIFAR10,
        claimed=87.95,
        classes=_CIFAR_CLASSES,
    )


def _wake_words() -> RealNetwork:
    """Fed with [0, 1]: so it finds the photographs with people; with 0..255 it saturates."""
    return RealNetwork(
        name="mobilenet-v1-0.25-96-person",
        weights="mlcommons_torch/mobilenetv1_025_96_vww.pth",
        build=keras_network,
        task=TaskKind.CLASSIFICATION,
        group="person",
        family="mobilenet-v1",
        input=InputSpec(height=96, width=96),
        trained_on="COCO, visual wake words",
        license="Apache-2.0",
        check=Check.NONE,
        classes=("no person", "person"),
    )


def _lenet() -> RealNetwork:
    return RealNetwork(
        name="lenet5-mnist",
        weights="mnist_csinva/mnist_classifier/weights/lenet_epoch=12_test_acc=0.991.pth",
        build=builder(LeNet5),
        task=TaskKind.CLASSIFICATION,
        group="mnist",
        family="lenet",
        input=InputSpec(channels=1, height=32, width=32),
        trained_on="MNIST",
        license="not stated",
        check=Check.MNIST,
        claimed=99.1,
        classes=_DIGITS,
    )


def _autoencoder() -> RealNetwork:
    return RealNetwork(
        name="vae-mnist",
        weights="mnist_csinva/mnist_vae/weights/vae_epoch_25.pth",
        build=builder(DigitAutoencoder),
        task=TaskKind.AUTOENCODING,
        group="mnist-pixels",
        family="perceptron",
        input=InputSpec(channels=1, height=28, width=28),
        trained_on="MNIST",
        license="not stated",
        check=Check.DIGIT_COPY,
        feature_layer="fc21",
    )


def _street_segmenter() -> RealNetwork:
    means = (110.33, 108.41, 105.03)
    return RealNetwork(
        name="espnet-camvid",
        weights="seg_espnet/decoder/espnet_p_2_q_8_camvid.pth",
        build=builder(ESPNet),
        task=TaskKind.SEGMENTATION,
        group="segmentation",
        family="espnet",
        input=InputSpec(
            height=360,
            width=480,
            mean=tuple(mean / 255 for mean in means),
            std=(72.13, 72.69, 69.90),
            channel_order=ChannelOrder.BGR,
        ),
        trained_on="CamVid",
        license="MIT",
        check=Check.CAMVID,
        claimed=57.17,
        classes=_CAMVID,
        feature_layer="encoder.b3",
    )


def _portrait_segmenter() -> RealNetwork:
    means = (107.30, 115.70, 132.36)
    return RealNetwork(
        name="sinet-portrait",
        weights="portrait_seg_clovaai/SINet/SINet.pth",
        build=builder(SINet),
        task=TaskKind.SEGMENTATION,
        group="segmentation",
        family="sinet",
        input=InputSpec(
            height=224,
            width=224,
            mean=tuple(mean / 255 for mean in means),
            std=(63.97, 65.13, 68.30),
            channel_order=ChannelOrder.BGR,
        ),
        trained_on="EG1800 portraits",
        license="MIT",
        check=Check.NONE,
        classes=("background", "person"),
        feature_layer="encoder.BR3",
    )


def _plate_reader() -> RealNetwork:
    return RealNetwork(
        name="lprnet-plates",
        weights="ocr_lprnet/Final_LPRNet_model.pth",
        build=builder(LPRNet),
        task=TaskKind.RECOGNITION,
        group="plates",
        family="lprnet",
        input=InputSpec(
            height=24,
            width=94,
            mean=127.5 / 255,
            std=128 / 255,
            channel_order=ChannelOrder.BGR,
        ),
        trained_on="Chinese number plates (CCPD and others)",
        license="Apache-2.0",
        check=Check.PLATES,
        claimed=89.4,
        classes=SYMBOLS,
    )


NETWORKS: tuple[RealNetwork, ...] = (
    _cifar(20, "resnet20-12fca82f.th", 91.73),
    _cifar(32, "resnet32-d509ac18.th", 92.63),
    _cifar(44, "resnet44-014dd654.th", 93.10),
    _tiny_resnet(),
    _coral(0.25, 128, "mobilenetv1_025_128.pth", 45.2),
    _coral(0.5, 160, "mobilenetv1_050_160_fp16.pth", 66.4),
    _keras_imagenet(),
    _squeezenet(),
    _wake_words(),
    _lenet(),
    _robust("mnist", Check.MNIST, "mnist", 98.20),
    _robust("fashion_mnist", Check.FASHION, "fashion", 78.27),
    _autoencoder(),
    _face("mini-xception-emotion-0.66", "fer2013_mini_XCEPTION.102-0.66", _EMOTIONS, "emotion"),
    _face("mini-xception-emotion-0.47", "fer2013_mini_XCEPTION.00-0.47", _EMOTIONS, "emotion"),
    _face("mini-xception-gender", "gender_mini_XCEPTION.21-0.95", ("woman", "man"), "gender"),
    _street_segmenter(),
    _portrait_segmenter(),
    _pidinet("tiny", 20, 8),
    _pidinet("small", 30, 12),
    _plate_reader(),
)
