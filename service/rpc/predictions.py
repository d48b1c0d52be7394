"""What a network says to images, as a message."""

from service.core.predict_messages import OutputKind
from service.predict_client import PredictResult
from service.rpc.stubs.zoo.v1 import model_service_pb2 as wire


def prediction(found: PredictResult) -> wire.PredictResponse:
    """Classes, pictures or an array."""
    if found.kind is OutputKind.FEATURES:
        return wire.PredictResponse(npy=found.parts[0])
    if found.kind is OutputKind.IMAGE:
        return wire.PredictResponse(pictures=wire.Pictures(png=found.parts))
    images = [
        wire.ImageClasses(classes=[wire.ClassChance(**one) for one in image])
        for image in found.classes
    ]
    return wire.PredictResponse(classes=wire.ClassesOfImages(images=images))
