"""The command ``sdist``, with the same bytes from the same files, for anybody to make and compare.

What an archive says beside names and contents comes from nowhere but here: members in the order of
their names, no owner, one of two modes, and one time, that of SOURCE_DATE_EPOCH or else a constant.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

from setuptools.command.sdist import sdist

# 1980-01-01, the first moment that zip can say: who repacks this as a wheel keeps it.
NO_TIME = 315_532_800


class ReproducibleSdist(sdist):
    """Builds the one format there is, ``.tar.gz``."""

    def make_archive(  # type: ignore[no-untyped-def]
        self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None
    ) -> str:
        """Pack the folder `base_dir`; the arguments are those of the command it replaces."""
        if format != "gztar":
            return super().make_archive(base_name, format, root_dir, base_dir, owner, group)
        time = int(os.environ.get("SOURCE_DATE_EPOCH", NO_TIME))
        folder = Path(root_dir or ".")
        found = (path for path in (folder / base_dir).rglob("*") if path.is_file())
        files = sorted(found, key=lambda path: path.as_posix())
        name = f"{base_name}.tar.gz"
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with (
            open(name, "wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=time) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in files:
                member = archive.gettarinfo(path, path.relative_to(folder).as_posix())
                member.mtime = time
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                member.mode = 0o755 if member.mode & 0o100 else 0o644
                with path.open("rb") as file:
                    archive.addfile(member, file)
        return name
