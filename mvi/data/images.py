# SPDX-License-Identifier: MIT
"""Images: their bytes, out of archives or a folder, and their pixels, whatever kind of file they came as.

One core makes 128 x 128 pixels of a JPEG of that size in 0.3 ms, of one of 500 x 375 pixels in 2.2 ms and of
one of 3000 x 2000 pixels in 8 ms.
"""

import io
import logging
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from mvi.data.archives import PlainTar, open_zip, read_member
from mvi.errors import DataError

log = logging.getLogger(__name__)

# What is tried on a file. Pillow knows more, of which some (EPS) start other programs.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
MAX_PIXELS = 2**26
MAX_BYTES = 2**28
# A JPEG is unpacked at a fraction of its size if so much more than the wanted one remains.
DRAFT = 2
# Tags of TIFF: BitsPerSample, SampleFormat (1 without sign), MaxSampleValue, SMaxSampleValue.
_BITS, _KIND, _GREATEST, _GREATEST_OF_KIND = 258, 339, 281, 341
_NOT_SAID = 16
_SIXTEEN = 2**16 - 1
# What sets an image upright, by the orientation that its EXIF data notes.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Images(Protocol):
    """Image files by row, such as those of `mvi.data.images`."""

    @property
    def names(self) -> Sequence[str]:
        """Of each row, its file."""

    def __len__(self) -> int:
        """Number of rows."""

    def read(self, i: int) -> bytes:
        """The file of row i."""


class _ArchiveImages:
    """What images of a zip and of a tar share: `names` are members of it, in row order.

    Raises `DataError` where the archive is refused or lacks one of the names. Close it at the end, or use it
    as a context manager.
    """

    def __init__(self, path: str | Path, names: Sequence[str], archive: zipfile.ZipFile | PlainTar) -> None:
        self.path, self.names, self._close = Path(path), list(names), archive.close
        lacking = set(self.names).difference(archive.namelist())
        if lacking:
            self.close()
            raise _lacking(self.path, lacking)

    def __len__(self) -> int:
        return len(self.names)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive; nothing can be read afterwards."""
        self._close()


class ZipImages(_ArchiveImages):
    """Images read straight from a zip that `open_zip` takes."""

    def __init__(self, path: str | Path, names: Sequence[str]) -> None:
        self._zip = open_zip(path)
        super().__init__(path, names, self._zip)

    def read(self, i: int) -> bytes:
        """Return the bytes of image `i`; raises `DamageError` where the zip is damaged there."""
        return read_member(self._zip, self.names[i], MAX_BYTES)


class TarImages(_ArchiveImages):
    """Images read straight from a tar that `PlainTar` takes."""

    def __init__(self, path: str | Path, names: Sequence[str]) -> None:
        self._tar = PlainTar(path)
        super().__init__(path, names, self._tar)

    def read(self, i: int) -> bytes:
        """Return the bytes of image `i`; raises `DamageError` where the tar is damaged there."""
        return self._tar.read(self.names[i], MAX_BYTES)


class FolderImages:
    """Images in a folder: `names` are paths relative to it, in row order.

    Raises `DataError` where a name leads out of the folder or is no file. Used like `ZipImages`.
    """

    def __init__(self, folder: str | Path, names: Sequence[str]) -> None:
        self.path = Path(folder)
        self.names = list(names)
        for name in self.names:
            if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
                raise DataError(
                    f"The image {name!r} does not lie in {self.path}; give a path relative to that folder, "
                    "without '..'."
                )
        lacking = {name for name in self.names if not (self.path / name).is_file()}
        if lacking:
            raise _lacking(self.path, lacking)

    def __len__(self) -> int:
        return len(self.names)

    def __enter__(self) -> "FolderImages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is kept open."""

    def read(self, i: int) -> bytes:
        """Return the bytes of image `i`; raises `DataError` where it cannot be read or is over 256 MiB."""
        path = self.path / self.names[i]
        try:
            size = path.stat().st_size
            if size <= MAX_BYTES:
                return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror}); mend it or leave it out.") from error
        raise DataError(f"{path} has {size} bytes, more than any image should; leave it out.")


Place = ZipImages | TarImages | FolderImages


class JoinedImages:
    """Images of several places, folders or archives, each row's in the first that has a file of its name.

    Raises `DataError` where none has, and as the places do. Used like `ZipImages`.
    """

    def __init__(self, places: Sequence[str | Path], names: Sequence[str]) -> None:
        self.names = list(names)
        self._where: list[tuple[Place, int]] = []
        left, found = dict.fromkeys(self.names), dict[str, tuple[Place, int]]()
        with ExitStack() as stack:
            for place in places:
                held = _held(place, left)
                own = [name for name in left if name in held]
                if own:
                    images = _open(place, own)
                    stack.enter_context(images)
                    found |= {name: (images, i) for i, name in enumerate(own)}
                    left = dict.fromkeys(name for name in left if name not in found)
            if left:
                raise _lacking(Path(places[-1]), set(left))
            self._where = [found[name] for name in self.names]
            self._places = stack.pop_all()

    def __len__(self) -> int:
        return len(self.names)

    def __enter__(self) -> "JoinedImages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.close()

    def read(self, i: int) -> bytes:
        """Return the bytes of image `i`; raises as its place does."""
        images, own = self._where[i]
        return images.read(own)


def open_images(place: str | Path | Sequence[str | Path], names: Sequence[str]) -> Place | JoinedImages:
    """Open the images `names` of a folder, a zip or a plain tar, or of several of these."""
    return _open(place, names) if isinstance(place, str | Path) else JoinedImages(place, names)


def _open(place: str | Path, names: Sequence[str]) -> Place:
    if Path(place).is_dir():
        return FolderImages(place, names)
    return TarImages(place, names) if Path(place).suffix == ".tar" else ZipImages(place, names)


def _held(place: str | Path, names: Iterable[str]) -> set[str]:
    """Those of `names` that a place has."""
    path = Path(place)
    if path.is_dir():
        return {name for name in names if (path / name).is_file()}
    with PlainTar(path) if path.suffix == ".tar" else open_zip(path) as archive:
        return set(names).intersection(archive.namelist())


def _lacking(path: Path, names: set[str]) -> DataError:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return DataError(
        f"{path} lacks the image {min(names)!r}{more}; retrieve it again or mend the list of images."
    )


def refusal(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> str | None:
    """Why `read_image` would refuse a file, as far as its header tells (no more is read), or None."""
    try:
        size = Path(path).stat().st_size
        if not size:
            return "is an empty file"
        if size > MAX_BYTES:
            return f"has {size} bytes, more than any image should"
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                return f"has {image.width} x {image.height} pixels, over {max_pixels} in all"
            return "has floating-point pixels, whose range is not known" if image.mode == "F" else None
    except UnidentifiedImageError:
        return f"is none of {', '.join(FORMATS)}"
    except Image.DecompressionBombError:
        return f"has over {max_pixels} pixels"
    # Pillow's readers raise whatever they stumble over in a damaged file.
    except Exception as error:
        return f"cannot be read ({' '.join(str(error).split())})"


@dataclass(frozen=True)
class Decoded:
    """`pixels` (size, size, 3) uint8, RGB, and the value that became white where the file does not say which.

    That is `guessed`, the greatest value in the image; None where the file says which or uses its range.
    """

    pixels: np.ndarray
    guessed: int | None


def decode(data: bytes, size: int, *, name: str = "The image", max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Return the pixels of `read_image`; warns of a range that was guessed."""
    decoded = read_image(data, size, name=name, max_pixels=max_pixels)
    if decoded.guessed is not None:
        log.warning(
            "%s does not say which value is white; the greatest in it, %d, is taken", name, decoded.guessed
        )
    return decoded.pixels


def read_image(data: bytes, size: int, *, name: str = "The image", max_pixels: int = MAX_PIXELS) -> Decoded:
    """Return the pixels (size, size, 3) uint8, RGB, of the image file `data`.

    - Any aspect ratio is squashed to the square, as is usual for GIST: the descriptors see the whole image.
      Resampling is bicubic with antialiasing; enlarging a single pixel gives its colour.
    - A rotation or reflection noted in the EXIF data is applied; a damaged note counts as none.
    - Grey, palette and CMYK images become RGB, without colour management; transparent parts show white.
    - Of 16 bits the upper 8 count. Where the upper half of their range is unused (12 bits kept in 16), and of
      32 bits, the value that a TIFF file notes as its greatest is white, or that of the bits which it says
      there are, else the greatest in the image (`Decoded.guessed`); values below 0 are black. Of colours of
      16 bits there are only the upper 8 to be stretched.
    - Of several frames the first counts.

    Raises `DataError`, which calls the image `name`, where the file is empty, truncated, none of `FORMATS`,
    of more than `max_pixels` pixels (a small file may claim billions), or of floating-point values, as their
    range is not known.
    """
    image, guessed = _image(data, size, name, max_pixels)
    return Decoded(np.array(image.resize((size, size), Image.Resampling.BICUBIC)), guessed)


def thumbnail(data: bytes, side: int, *, name: str = "The image") -> bytes:
    """A JPEG of the image file `data` in its own shape, no side longer than `side`; as `read_image`."""
    image, _ = _image(data, side, name, MAX_PIXELS)
    image.thumbnail((side, side))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=80)
    return content.getvalue()


def _image(data: bytes, size: int, name: str, max_pixels: int) -> tuple[Image.Image, int | None]:
    """The image upright in 8 bits of RGB, no smaller than need be, and `Decoded.guessed`."""
    if not data:
        raise _refusal(name, "is an empty file")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise _refusal(name, f"has {image.width} x {image.height} pixels, over {max_pixels} in all")
            if image.mode == "F":
                raise _refusal(name, "has floating-point pixels, whose range is not known")
            image.draft(None, (DRAFT * size, DRAFT * size))
            deep = any("16" in str(tile.args) for tile in image.tile)
            image.load()
            upright, guessed = _upright(image), None
            if image.mode.startswith("I"):
                upright, guessed = _scaled(upright, *_integers(image))
            elif deep and image.mode.startswith("RGB"):
                upright, guessed = _stretched(upright)
            return _rgb(upright), guessed
    except (DataError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise _refusal(name, f"is none of {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise _refusal(name, f"has over {max_pixels} pixels") from error
    # Pillow's readers raise whatever they stumble over in a damaged file.
    except Exception as error:
        raise _refusal(name, f"cannot be decoded ({' '.join(str(error).split())})") from error


def _refusal(name: str, what: str) -> DataError:
    return DataError(f"{name} {what}; replace it or leave it out.")


def _integers(image: Image.Image) -> tuple[int | None, bool]:
    """The value of white that a file of integers declares, if any, and whether 32 bits are without sign."""
    # Pillow has scaled what a PPM file declares to 16 bits.
    if image.format == "PPM":
        return _SIXTEEN, False
    tags = getattr(image, "tag_v2", {})
    bits, kind = (tags.get(tag, (default,))[0] for tag, default in ((_BITS, _NOT_SAID), (_KIND, 1)))
    noted = (tags.get(tag) for tag in (_GREATEST, _GREATEST_OF_KIND))
    greatest = next((int(np.max(value)) for value in noted if value), 2**bits - 1 if bits < 16 else None)
    return greatest or None, image.format == "TIFF" and kind == 1 and bits == 32


def _scaled(image: Image.Image, white: int | None, unsigned: bool) -> tuple[Image.Image, int | None]:
    """Grey of 8 bits from integers, which Pillow would cut at 255 and not scale, and `Decoded.guessed`."""
    values = np.asarray(image)
    values = (values.view(np.uint32) if unsigned else values).astype(np.int64).clip(0)
    greatest, guessed = int(values.max()), None
    if white is None and image.mode != "I" and greatest > _SIXTEEN // 2:
        white = _SIXTEEN
    if white is None:
        white = guessed = greatest
    if white == _SIXTEEN:
        grey = values.clip(0, white) // 2**8
    else:
        grey = (values.clip(0, white) * 255 + white // 2) // max(1, white)
    return Image.fromarray(grey.astype(np.uint8)), guessed or None


def _stretched(image: Image.Image) -> tuple[Image.Image, int | None]:
    """Colours of which Pillow kept the upper 8 of 16 bits, and `Decoded.guessed`, as if of 16 bits."""
    pixels = np.array(image)
    greatest = int(pixels[..., :3].max())
    if not 0 < greatest < 2**7:
        return image, None
    pixels[..., :3] = (pixels[..., :3].astype(np.int64) * 255 + greatest // 2) // greatest
    return Image.fromarray(pixels, image.mode), greatest * 2**8


def _rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    # Not by `ImageOps.exif_transpose`, which writes the notes anew and fails where any of them is damaged.
    try:
        note = image.getexif().get(ExifTags.Base.Orientation)
    # As above; the pixels are sound even if what is said about them is not.
    except Exception:
        return image
    return image.transpose(TURNS[note]) if note in TURNS else image
