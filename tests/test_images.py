# SPDX-License-Identifier: MIT
"""Every kind of image file becomes the pixels that it shows, or one sentence on why it does not."""

import io
import os
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mvi.data.images import FolderImages, TarImages, ZipImages, decode, open_images, read_image
from mvi.errors import DamageError, DataError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def packed(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def quarters(size: int = 64) -> Image.Image:
    """Red and green above, blue and white below."""
    image = Image.new("RGB", (size, size), WHITE)
    draw = ImageDraw.Draw(image)
    half = size // 2
    draw.rectangle((0, 0, half - 1, half - 1), RED)
    draw.rectangle((half, 0, size, half - 1), GREEN)
    draw.rectangle((0, half, half - 1, size), BLUE)
    return image


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """Colours in the middle of the quarters, by rows."""
    a, b = pixels.shape[0] // 4, 3 * pixels.shape[0] // 4
    return [tuple(int(c) for c in pixels[y, x]) for y in (a, b) for x in (a, b)]


def close(pixels: np.ndarray, colours: list[tuple[int, ...]], within: int = 0) -> None:
    assert np.abs(np.subtract(corners(pixels), colours)).max() <= within, corners(pixels)


def test_pixels_of_the_wanted_size_come_back_untouched():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    found = decode(packed(Image.fromarray(pixels)), 16)
    assert found.dtype == np.uint8 and found.flags.writeable
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("size", [8, 64, 100])
def test_each_format_at_each_size(kind, size):
    pixels = decode(packed(quarters(), kind), size)
    assert pixels.shape == (size, size, 3)
    close(pixels, [RED, GREEN, BLUE, WHITE], within=0 if size == 64 and kind not in ("JPEG", "WEBP") else 30)


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_noted_orientation_is_applied(orientation, shown, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    close(decode(packed(quarters(), kind, exif=exif), 32), shown, within=30)


@pytest.mark.filterwarnings("ignore:.*EXIF")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("notes", [b"II*\0\xff\xff\xff\x7f rubbish", b"rubbish", b"II"])
def test_damaged_notes_count_as_none(kind, notes):
    data = packed(quarters(), kind, exif=b"Exif\0\0" + notes)
    close(decode(data, 64), [RED, GREEN, BLUE, WHITE], within=30)


def test_the_orientation_is_applied_even_if_another_note_is_damaged():
    exif = Image.Exif()
    exif[0x0112], exif[0x011A] = 6, 72.0
    # The resolution, a fraction, passed off as a text.
    notes = exif.tobytes().replace(b"\x01\x1a\0\x05", b"\x01\x1a\0\x02")
    assert notes != exif.tobytes()
    close(decode(packed(quarters(), "JPEG", exif=notes), 64), [BLUE, RED, WHITE, GREEN], within=30)


def test_a_rotated_oblong_image_is_squashed_after_the_rotation():
    oblong = quarters().resize((120, 40), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = 6
    close(decode(packed(oblong, exif=exif), 32), [BLUE, RED, WHITE, GREEN])


def test_grey_images_have_three_equal_channels():
    grey = Image.linear_gradient("L")
    pixels = decode(packed(grey), 256)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], np.asarray(grey))
    assert decode(packed(Image.new("1", (5, 5), 1)), 5).min() == 255


def test_cmyk_jpeg():
    close(decode(packed(quarters().convert("CMYK"), "JPEG", quality=95), 64), [RED, GREEN, BLUE, WHITE], 30)


def test_palettes_with_and_without_transparency():
    paletted = quarters().quantize(8)
    close(decode(packed(paletted), 64), [RED, GREEN, BLUE, WHITE])
    close(decode(packed(paletted, "GIF"), 64), [RED, GREEN, BLUE, WHITE])
    red = paletted.getpixel((0, 0))
    close(decode(packed(paletted, transparency=red), 64), [WHITE, GREEN, BLUE, WHITE])
    close(decode(packed(paletted, "GIF", transparency=red), 64), [WHITE, GREEN, BLUE, WHITE])


def test_transparent_parts_show_white():
    image = quarters()
    image.putalpha(Image.new("L", image.size, 255))
    image.paste((255, 0, 0, 0), (0, 0, 32, 32))
    image.paste((0, 255, 0, 51), (32, 0, 64, 32))
    close(decode(packed(image), 64), [WHITE, (204, 255, 204), BLUE, WHITE])
    grey = Image.merge("LA", (Image.new("L", (9, 9), 0), Image.new("L", (9, 9), 51)))
    assert decode(packed(grey), 9).tolist() == [[[204] * 3] * 9] * 9
    # A colour that stands for "transparent".
    close(decode(packed(quarters(), transparency=RED), 64), [WHITE, GREEN, BLUE, WHITE])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_of_sixteen_bits_the_upper_eight_count(kind):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 256 + 77
    pixels = decode(packed(Image.fromarray(values), kind), 16)
    np.testing.assert_array_equal(pixels, (values // 256)[..., None].repeat(3, 2))


def tiff(values: np.ndarray, bits: int, **notes: int) -> bytes:
    """An uncompressed grey TIFF of little-endian integers of so many bits, with notes by numbers of tags."""
    height, width = values.shape
    if bits == 12:
        rows = ["".join(f"{value:012b}" for value in row) for row in values.tolist()]
        rows = [row + "0" * (-len(row) % 8) for row in rows]
        data = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    else:
        data = values.astype(f"<i{bits // 8}").tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(data)}
    tags |= {int(tag[1:]): value for tag, value in notes.items()}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data
    return head + struct.pack("<H", len(tags)) + directory + b"\0\0\0\0"


TWELVE = np.array([[0, 4095], [2048, 16]])


@pytest.mark.parametrize(
    ("data", "shown", "guessed"),
    [
        # Said by the number of bits, or by a note.
        (tiff(TWELVE, 12), [0, 255, 128, 1], None),
        (tiff(TWELVE, 16, t281=4095), [0, 255, 128, 1], None),
        (tiff(TWELVE, 16, t281=8190), [0, 128, 64, 0], None),
        (tiff(TWELVE, 32, t281=4095), [0, 255, 128, 1], None),
        # Said by nothing.
        (tiff(TWELVE, 16), [0, 255, 128, 1], 4095),
        (packed(Image.fromarray(TWELVE.astype(np.uint16))), [0, 255, 128, 1], 4095),
        (tiff(TWELVE // 2, 16), [0, 255, 128, 1], 2047),
        (tiff(TWELVE, 32), [0, 255, 128, 1], 4095),
        (tiff(TWELVE * 2**20, 32), [0, 255, 128, 1], 4095 * 2**20),
        (tiff(np.array([[0, 65535], [70000, -5]]), 32, t339=2), [0, 239, 255, 0], 70000),
        (tiff(np.zeros((2, 2), int), 16), [0, 0, 0, 0], None),
        # All 16 bits are used.
        (tiff(TWELVE * 16, 16), [0, 255, 128, 1], None),
        # Maximum in the header.
        (b"P5 2 2 4095\n" + TWELVE.astype(">u2").tobytes(), [0, 255, 128, 1], None),
    ],
)
def test_integers_are_scaled_by_the_range_that_their_file_declares_or_by_their_greatest(data, shown, guessed):
    decoded = read_image(data, 2)
    assert decoded.pixels[..., 0].ravel().tolist() == shown and decoded.guessed == guessed


def test_a_guess_is_warned_of(caplog):
    decode(tiff(TWELVE, 16, t281=4095), 2, name="im7.tif")
    assert not caplog.records
    decode(tiff(TWELVE, 16), 2, name="im7.tif")
    assert caplog.messages == [
        "im7.tif does not say which value is white; the greatest in it, 4095, is taken"
    ]


def test_dark_colours_of_sixteen_bits_are_stretched():
    values = np.zeros((2, 2, 3), np.uint16)
    values[0, 0], values[1, 1] = (4095, 0, 2048), (0, 4095, 0)
    for kind in (".png", ".tiff"):
        # In the order of blue, green and red.
        data = cv2.imencode(kind, values[..., ::-1])[1].tobytes()
        found = read_image(data, 2)
        assert found.pixels[0, 0].tolist() == [255, 0, 136] and found.guessed == 15 * 256
        bright = cv2.imencode(kind, values[..., ::-1] * 16)[1].tobytes()
        found = read_image(bright, 2)
        assert found.pixels[0, 0].tolist() == [255, 0, 128] and found.guessed is None


def test_integers_are_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    values = np.arange(16, dtype=np.uint16).reshape(4, 4) * 200
    plain = decode(packed(Image.fromarray(values)), 4)
    np.testing.assert_array_equal(decode(packed(Image.fromarray(values), exif=exif), 4), np.rot90(plain, -1))


def test_a_cmyk_image_of_another_format_and_an_image_of_twenty_megapixels():
    close(decode(packed(quarters().convert("CMYK"), "TIFF"), 64), [RED, GREEN, BLUE, WHITE])
    large = quarters().resize((5000, 4000), Image.Resampling.NEAREST)
    close(decode(packed(large, "JPEG", quality=50), 64), [RED, GREEN, BLUE, WHITE], within=5)


def test_of_a_file_of_several_photographs_the_first_counts():
    data = packed(quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 64), BLUE)])
    close(decode(data, 64), [RED, GREEN, BLUE, WHITE], within=30)


def test_images_of_one_pixel_and_of_odd_shapes():
    one = decode(packed(Image.new("RGB", (1, 1), (7, 8, 9))), 128)
    assert one.shape == (128, 128, 3) and (one == [7, 8, 9]).all()
    assert decode(packed(Image.new("L", (1, 1), 7)), 1).tolist() == [[[7, 7, 7]]]
    wide = Image.new("RGB", (2000, 3), RED)
    wide.paste(BLUE, (1000, 0, 2000, 3))
    for kind in ("PNG", "JPEG"):
        close(decode(packed(wide, kind), 64), [RED, BLUE, RED, BLUE], within=5)
        tall = wide.transpose(Image.Transpose.TRANSPOSE)
        close(decode(packed(tall, kind), 64), [RED, RED, BLUE, BLUE], within=5)


def test_shrinking_is_antialiased():
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    for kind in ("PNG", "JPEG"):
        pixels = decode(packed(Image.fromarray(board), kind), 32).astype(int)
        assert abs(pixels[2:-2, 2:-2] - 127).max() <= 2


def test_a_large_jpeg_is_not_unpacked_too_small():
    noise = Image.effect_noise((800, 600), 90).filter(ImageFilter.GaussianBlur(3))
    small = decode(packed(noise, "JPEG", quality=95), 100).astype(int)
    reference = decode(packed(noise), 100).astype(int)
    assert abs(small - reference).mean() < 0.05 * reference.std()


def test_a_rotation_is_applied_whatever_the_channels():
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(np.asarray(quarters())[..., 0].astype(np.uint16) * 257)
    for image in (deep, quarters().convert("RGBA"), quarters().quantize(8), quarters().convert("L")):
        plain = decode(packed(image), 64)
        np.testing.assert_array_equal(decode(packed(image, exif=exif), 64), np.rot90(plain, -1))


def test_of_several_frames_the_first_counts():
    frames = [Image.new("RGB", (9, 9), colour) for colour in (BLUE, RED)]
    data = packed(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data, 9)[4, 4].tolist() == list(BLUE)


def claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


JPEG = packed(quarters(), "JPEG")
PNG = packed(Image.effect_noise((64, 64), 50))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "im7.jpg is an empty file"),
        (b"<html>404 Not found</html>", "im7.jpg is none of JPEG, PNG"),
        (bytes(range(256)) * 4, "is none of JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "is none of JPEG"),
        (JPEG[:2], "im7.jpg is none of JPEG|cannot be decoded"),
        (JPEG[: len(JPEG) // 2], "im7.jpg cannot be decoded .*(?i:truncated)"),
        (JPEG[:-40], "im7.jpg cannot be decoded .*truncated"),
        (PNG[: len(PNG) // 2], "im7.jpg cannot be decoded"),
        (PNG[:1000] + b"\0\0\0\0" + PNG[1004:], "im7.jpg cannot be decoded"),
        (claiming(30000, 30000), "im7.jpg has over 67108864 pixels"),
        (claiming(10000, 7000), "im7.jpg has 10000 x 7000 pixels, over 67108864 in all"),
        (claiming(300, 300), "im7.jpg cannot be decoded"),
        (packed(Image.new("F", (4, 4)), "TIFF"), "im7.jpg has floating-point pixels"),
    ],
)
def test_what_is_no_sound_image_is_refused(data, says):
    with pytest.raises(DataError, match=says) as error:
        decode(data, 32, name="im7.jpg")
    assert sentence(error).endswith("; replace it or leave it out.")


def test_the_bound_on_pixels_is_the_callers():
    data = packed(quarters())
    assert decode(data, 8, max_pixels=64 * 64).shape == (8, 8, 3)
    with pytest.raises(DataError, match="^The image has 64 x 64 pixels, over 4095 in all"):
        decode(data, 8, max_pixels=64 * 64 - 1)


NAMES = ["sub/b.jpg", "a.png", "sub/b.jpg"]
CONTENT = {"a.png": b"first", "sub/b.jpg": b"second", "other.txt": b"no image"}


@pytest.fixture
def archive(tmp_path) -> Path:
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in CONTENT.items():
            target.writestr(name, content)
    return tmp_path / "p.zip"


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, content in CONTENT.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(content)
    return tmp_path / "f"


@pytest.fixture
def tar(tmp_path) -> Path:
    with tarfile.open(tmp_path / "p.tar", "w") as target:
        for name, content in CONTENT.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return tmp_path / "p.tar"


@pytest.mark.parametrize("source", ["archive", "folder", "tar"])
def test_images_are_read_by_row(request, source):
    path = request.getfixturevalue(source)
    kind = {"archive": ZipImages, "folder": FolderImages, "tar": TarImages}[source]
    with open_images(path, NAMES) as images:
        assert isinstance(images, kind)
    with kind(path, NAMES) as images:
        assert len(images) == 3 and images.names == NAMES
        assert [images.read(i) for i in (2, 1, 0, 1)] == [b"second", b"first", b"second", b"first"]
    with pytest.raises(DataError, match="lacks the image 'b.jpg' and 1 more") as error:
        kind(path, ["a.png", "c.jpg", "b.jpg"])
    sentence(error)
    with pytest.raises(DataError, match=r"lacks the image 'c.jpg';"):
        kind(path, ["c.jpg"])


def test_a_tar_that_is_cut_while_it_is_open_is_damaged_and_its_images_are_not_grey(tmp_path):
    path = tmp_path / "p.tar"
    with tarfile.open(path, "w") as target:
        member = tarfile.TarInfo("a.png")
        # More than what a file keeps in memory.
        member.size = 2**20
        target.addfile(member, io.BytesIO(bytes(member.size)))
    with TarImages(path, ["a.png"]) as images:
        os.truncate(path, 2**18)
        with pytest.raises(DamageError, match=r"damaged at a\.png"):
            images.read(0)


def test_images_of_several_places_are_read_by_row(tmp_path, archive, tar):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/c.jpg").write_bytes(b"third")
    # Both archives have all of CONTENT: what the first has is taken from there.
    (tmp_path / "more/a.png").write_bytes(b"not this")
    names = ["c.jpg", "sub/b.jpg", "a.png", "c.jpg"]
    for places in ([archive, tmp_path / "more"], [str(tar), tmp_path / "more", archive]):
        with open_images(places, names) as images:
            assert len(images) == 4 and images.names == names
            assert [images.read(i) for i in range(4)] == [b"third", b"second", b"first", b"third"]
    with pytest.raises(DataError, match="lacks the image 'd.jpg' and 1 more") as error:
        open_images([archive, tar], ["a.png", "d.jpg", "e.jpg"])
    sentence(error)


def test_a_damaged_member_is_named(archive):
    raw = archive.read_bytes()
    at = raw.index(b"sub/b.jpg") + len(b"sub/b.jpg") + 2
    archive.write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :])
    with ZipImages(archive, NAMES) as images:
        assert images.read(1) == b"first"
        with pytest.raises(DataError, match="p.zip is damaged at sub/b.jpg") as error:
            images.read(0)
    sentence(error)


def test_what_is_no_zip_is_refused(archive):
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"p\.zip"):
        ZipImages(archive, NAMES)


@pytest.mark.parametrize("name", ["../p.zip", "sub/../../p.zip", "/etc/hostname"])
def test_names_that_leave_the_folder_are_refused(folder, name):
    (folder.parent / "p.zip").write_bytes(b"outside")
    with pytest.raises(DataError, match="does not lie in") as error:
        FolderImages(folder, [name])
    sentence(error)


def test_a_file_that_vanished_or_is_too_large_is_named(folder, monkeypatch):
    with FolderImages(folder, NAMES) as images:
        (folder / "a.png").unlink()
        with pytest.raises(DataError, match="a.png cannot be read") as error:
            images.read(1)
        sentence(error)
        monkeypatch.setattr("mvi.data.images.MAX_BYTES", 5)
        with pytest.raises(DataError, match="b.jpg has 6 bytes") as error:
            images.read(0)
    sentence(error)


@pytest.mark.real
@pytest.mark.skipif("MVI_MIRROR" not in os.environ, reason="needs MVI_MIRROR")
def test_real_images():
    path = Path(os.environ["MVI_MIRROR"]) / "mirflickr25k/mirflickr25k.zip"
    with ZipImages(path, [f"mirflickr/im{i}.jpg" for i in range(1, 201)]) as images:
        pixels = np.stack([decode(images.read(i), 64) for i in range(len(images))])
    assert pixels.shape == (200, 64, 64, 3)
    assert 60 < pixels.mean() < 160 and pixels.std() > 40
