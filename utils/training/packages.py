#!/usr/bin/env python3
"""Writes the descriptions of Debian's packages, with their sections, as JSON lines.

    packages.py build/training/packages.jsonl [--codename bookworm]

Needs a Debian machine with apt, and no root: the lists go to a folder beside the output. The index of packages (name,
source, section, digest of the description) is joined with the index of English descriptions, of the component main of
one release, for amd64. A line holds package, source, section, split and text: the synopsis, then the long description
with its paragraphs as lines. Packages of one source share whole paragraphs, so that a source is in one split as a
whole: of 100 sources 10 are held out, 2 are looked at while training, by the SHA-256 of SEED and the source's name.
Same indexes, same bytes; the digests of the indexes and of the output are printed, and belong into the models' READMEs.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import platform
import subprocess

SEED = "tamis-1"
HELD_OUT, VALIDATION = 10, 2


def paragraphs(stanza):
    """The fields of one stanza; continuation lines keep their first blank."""
    fields, name = {}, None
    for line in stanza.split("\n"):
        if line.startswith((" ", "\t")):
            fields[name].append(line)
        elif line:
            name, _, value = line.partition(":")
            fields[name] = [value.strip()]
    return fields


def plain(lines):
    """A description without its layout. Lines that begin with two blanks are lists and stand as they are."""
    synopsis, text, paragraph = lines[0], [], []

    def finish():
        if paragraph:
            text.append(" ".join(paragraph))
            paragraph.clear()

    for line in lines[1:]:
        if line.strip() in ("", "."):
            finish()
        elif line.startswith("  "):
            finish()
            text.append(" ".join(line.split()))
        else:
            paragraph.append(" ".join(line.split()))
    finish()
    return "\n".join([" ".join(synopsis.split())] + text)


def split_of(source):
    share = int(hashlib.sha256(f"{SEED}:{source}".encode()).hexdigest(), 16) % 100
    return "held-out" if share < HELD_OUT else "validation" if share < HELD_OUT + VALIDATION else "training"


class Lists:
    """apt's indexes in a folder of their own."""

    def __init__(self, folder):
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # apt drops its rights to a user who may not write here, where it has any to drop.
        self.options = ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder / 'cache'}",
                        "-o", "Acquire::Languages=en", "-o", "APT::Sandbox::User=root"]

    def update(self):
        subprocess.run(["apt-get", "update", "-qq", *self.options], check=True)

    def index(self, created_by, codename):
        form = "$(CREATED_BY)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(ARCHITECTURE)|$(FILENAME)"
        lines = subprocess.run(["apt-get", "indextargets", "--format", form, *self.options], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        for line in lines:
            kind, origin, code, component, architecture, path = line.split("|", 5)
            if [kind, origin, code, component] == [created_by, "Debian", codename, "main"]:
                if kind != "Packages" or architecture == "amd64":
                    data = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", path], check=True, capture_output=True)
                    print(f"{kind}: SHA-256 {hashlib.sha256(data.stdout).hexdigest()}")
                    return data.stdout.decode("utf-8").split("\n\n")
        raise SystemExit(f"packages.py: apt knows no {created_by} of Debian {codename}, main; is it in sources.list?")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--codename", default=platform.freedesktop_os_release().get("VERSION_CODENAME"))
    options = parser.parse_args()
    lists = Lists(options.output.resolve().parent / "apt")
    lists.update()

    packages = {}
    for stanza in lists.index("Packages", options.codename):
        fields = paragraphs(stanza)
        if "Section" in fields and "Description-md5" in fields:
            name = fields["Package"][0]
            source = fields.get("Source", [name])[0].split(" ")[0]
            packages[name, fields["Description-md5"][0]] = (source, fields["Section"][0])
    rows = {}
    for stanza in lists.index("Translations", options.codename):
        fields = paragraphs(stanza)
        if "Description-en" in fields:
            name = fields["Package"][0]
            found = packages.get((name, fields["Description-md5"][0]))
            if found and len(fields["Description-en"]) > 1:
                rows[name] = {"package": name, "source": found[0], "section": found[1], "split": split_of(found[0]),
                              "text": plain(fields["Description-en"])}
    text = "".join(json.dumps(rows[name], ensure_ascii=False) + "\n" for name in sorted(rows))
    options.output.write_text(text, encoding="utf-8")
    print(f"{options.output.name}: SHA-256 {hashlib.sha256(text.encode()).hexdigest()}")
    splits = collections.Counter(row["split"] for row in rows.values())
    sections = len({row["section"] for row in rows.values()})
    print(f"{len(rows)} descriptions of {sections} sections: " + ", ".join(f"{n} {name}" for name, n in splits.items()))


if __name__ == "__main__":
    main()
