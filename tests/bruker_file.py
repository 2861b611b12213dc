"""Maps in Bruker's bcf, written by hand: a container (SFS) with a header in XML and the packed counts."""

import base64
import struct
import zlib

import numpy as np

CHUNK, DATA_AT = 1 << 18, 0x138
_HEADER = """<T><ClassInstance Type="TRTSpectrumDatabase" Name="map">
<Header><Date>01.02.2020</Date><Time>12:00:00</Time><FileVersion>1</FileVersion></Header>
<ClassInstance Type="TRTSEMData"><HV>200</HV><DX>{x_um}</DX><DY>{y_um}</DY></ClassInstance>
<ClassInstance Type="TRTSEMStageData"><X>0</X></ClassInstance>
<ClassInstance Type="TRTDSPConfiguration"><LineAverage>1</LineAverage><PixelAverage>1</PixelAverage>
<PixelTime>1</PixelTime></ClassInstance>
<ClassInstance Type="TRTImageData"><Width>{width}</Width><Height>{height}</Height><ItemSize>1</ItemSize>
<PlaneCount>0</PlaneCount></ClassInstance>
<LineCounter>1,1</LineCounter><ChCount>{channels}</ChCount><DetectorCount>1</DetectorCount>
{spectra}</ClassInstance></T>"""
_SPECTRUM = """<SpectrumData{number}><ClassInstance Type="TRTSpectrum"><TRTHeaderedClass>
<ClassInstance Type="TRTSpectrumHardwareHeader"><Amplification>20000</Amplification></ClassInstance>
<ClassInstance Type="TRTDetectorHeader"><Type>SDD</Type><DetLayers>{layers}</DetLayers></ClassInstance>
<ClassInstance Type="TRTESMAHeader"><PrimaryEnergy>200</PrimaryEnergy><ElevationAngle>18</ElevationAngle>
</ClassInstance></TRTHeaderedClass>
<ClassInstance Type="TRTSpectrumHeader"><CalibAbs>{first_keV}</CalibAbs><CalibLin>{step_keV}</CalibLin>
</ClassInstance><Channels>{summed}</Channels></ClassInstance></SpectrumData{number}>"""


def write_bcf(path, *maps, first_keV, step_keV, pixel_um):
    """Write counts (line, pixel, channel); lines are packed in turn as single photons and as channels."""
    height, width, channels = maps[0].shape
    axis = {"first_keV": first_keV, "step_keV": step_keV}
    layers = base64.b64encode(zlib.compress(b"<L><Window/></L>")).decode()
    sums = [",".join(map(str, counts.sum((0, 1), dtype="u8"))) for counts in maps]
    spectra = [_SPECTRUM.format(number=n, summed=one, layers=layers, **axis) for n, one in enumerate(sums)]
    sizes = {"height": height, "width": width, "channels": channels}
    header = _HEADER.format(**sizes, x_um=pixel_um[0], y_um=pixel_um[1], spectra="".join(spectra))
    packed = {f"SpectrumData{number}": _packed(counts) for number, counts in enumerate(maps)}
    path.write_bytes(_container({"HeaderData": header.encode(), **packed}))


def _packed(counts):
    lines = [_line(spectra, (_photons, _channels)[line % 2]) for line, spectra in enumerate(counts)]
    return struct.pack("<II", *counts.shape[:2]).ljust(0x1A0, b"\0") + b"".join(lines)


def _line(spectra, pack):
    return struct.pack("<I", len(spectra)) + b"".join(pack(pixel, one) for pixel, one in enumerate(spectra))


def _photons(pixel, spectrum):
    """Pack the channel of each photon, as where there are few."""
    photons = np.repeat(np.arange(spectrum.size), spectrum)
    return _pixel(pixel, spectrum, 0, photons.size, 2 * photons.size) + photons.astype("<u2").tobytes()


def _channels(pixel, spectrum):
    """Pack the counts of all channels, as where there are many: the smallest, then what others have more."""
    least = int(spectrum.min())
    packed = struct.pack("<BBI", 4, spectrum.size, least) + (spectrum - least).astype("<u2").tobytes()
    return _pixel(pixel, spectrum, 2, 0, len(packed) + 4) + packed + bytes(4)


def _pixel(pixel, spectrum, kind, photons, length):
    return struct.pack("<IHHIHHHI", pixel, spectrum.size, spectrum.size, 0, kind, 0, photons, length)


def _container(files):
    """Chunks: the head, the list of files, then for each file where it lies, and its bytes."""
    chunks = [bytearray(CHUNK) for _ in range(2 + 2 * len(files))]
    entries = [_entry("EDSDatabase", parent=-1, is_dir=True)]
    for place, (name, data) in enumerate(files.items()):
        table = 2 + 2 * place
        entries.append(_entry(name, parent=0, table=table, size=len(data)))
        chunks[table][:4] = struct.pack("<I", table + 1)
        chunks[table + 1][: len(data)] = data
    chunks[0][8:20] = struct.pack("<III", 1, len(entries), len(chunks))
    chunks[1][: 512 * len(entries)] = b"".join(entries)
    assert {len(chunk) for chunk in chunks} == {CHUNK}
    head = b"AAMVHFSS".ljust(0x124, b"\0") + struct.pack("<fI", 2.4, CHUNK)
    return head.ljust(DATA_AT, b"\0") + b"".join(chunks)


def _entry(name, *, parent, is_dir=False, table=0, size=0):
    kinds = "<iQQQQIi176s?3s256s32s"
    return struct.pack(kinds, table, size, 0, 0, 0, 0, parent, b"", is_dir, b"", name.encode(), b"")
