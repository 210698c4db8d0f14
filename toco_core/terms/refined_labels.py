"""What both losses of the segmentation read: refined labels, and the softmax of every pixel."""

from __future__ import annotations

from torch import Tensor

from toco_core.cam.refine import refine_labels
from toco_core.images import eight_bit
from toco_core.losses.pixel_softmax import PixelSoftmax, enlarge, pixel_softmax
from toco_core.terms.targets import StepCams
from toco_core.terms.term import TrainingPass


def refined_labels(cams: StepCams) -> Tensor:
    """Label the pixels by the CAM that PAR has refined: (B, H, W) (paper, section 3.4)."""
    # The authors refine the auxiliary CAM while the final one has not learnt enough (COCO).
    final = cams.iteration >= cams.recipe.stages.final_cam
    labels = refine_labels(
        cams.refiner,
        eight_bit(cams.batch.images),
        cams.final if final else cams.auxiliary,
        cams.present.is_present,
        *cams.thresholds,
        cams.batch.boxes,
    )
    return cams.present.remap_labels(labels)


def labelled_pixels(given: TrainingPass) -> PixelSoftmax:
    """Compute probabilities and cross-entropy of every pixel of the images."""
    logits, images = given.output.seg, given.batch.images
    assert logits is not None, "the decoder runs where a term reads it"
    size = (images.shape[-2], images.shape[-1])
    return pixel_softmax(enlarge(logits.float(), size), given.targets[refined_labels])
