"""Pretrain the small ViT of the embedded recipe: `python -m toco_core.pretraining`.

The pictures show one object each. The network names the object's part, its pattern, its body and
its hue: what ImageNet does for a ViT on VOC, in an hour. `toco_core/weights/README.md` says with
which calls the weights of the package were made.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from toco_core.pretraining.loop import Options, pretrain

WEIGHTS = Path(__file__).parents[1] / "weights/partscenes_vit.safetensors"


def main() -> None:
    """Parse the command line and pretrain."""
    parser = argparse.ArgumentParser(
        prog="python -m toco_core.pretraining",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--images", type=int, default=320_000, help="pictures to learn from (default %(default)s)"
    )
    parser.add_argument(
        "--small-share", type=float, default=0.75, help="share of them drawn at 48 px"
    )
    parser.add_argument("--pooling", choices=("mean", "max"), default="mean", help="see Pretrained")
    parser.add_argument(
        "--mosaic-share", type=float, default=0.0, help="share of the pictures that are tiled"
    )
    parser.add_argument("--lr", type=float, default=1e-3, help="peak rate (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other pictures")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--start-from", type=Path, help="weights to go on from; default: none")
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    try:
        options = Options(
            images=arguments.images,
            small_share=arguments.small_share,
            lr=arguments.lr,
            seed=arguments.seed,
            pooling=arguments.pooling,
            mosaic_share=arguments.mosaic_share,
        )
    except ValueError as error:
        parser.error(str(error))
    if arguments.start_from and not arguments.start_from.is_file():
        parser.error(f"--start-from {arguments.start_from}: there is no such file")
    shares = pretrain(options, arguments.output, arguments.start_from)
    print("held out: " + "  ".join(f"{name} {share:.1%}" for name, share in shares.items()))


if __name__ == "__main__":
    main()
