import os
import subprocess

from config.env import BASE_DIR


def make_venv(tmp_path, *, version):
    """Run the script where the only Python is one of `version`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python3"
    is_late_enough = version >= (3, 11)
    python.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = --version ]; then echo "Python {version[0]}.{version[1]}"; fi\n'
        f'if [ "$1" = -c ]; then exit {0 if is_late_enough else 1}; fi\n'
        f'if [ "$1" = -m ]; then echo "$@" > {tmp_path}/asked; exit 1; fi\n'
    )
    python.chmod(0o755)
    (folder / "rm").symlink_to("/bin/rm")
    return subprocess.run(
        ["/bin/sh", str(BASE_DIR / ".ci" / "make-venv"), str(tmp_path / "venv")],
        env={"PATH": str(folder), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_venv_refuses_a_python_that_is_too_old(tmp_path):
    done = make_venv(tmp_path, version=(3, 9))

    assert done.returncode == 1
    assert done.stderr == (
        "Python 3.11 or later is needed, and none was found: python3 is Python 3.9;\n"
        "install one, or name it: make PYTHON_COMMAND=/path/to/python3.12\n"
    )


def test_make_venv_says_which_package_debian_keeps_apart(tmp_path):
    done = make_venv(tmp_path, version=(3, 12))

    assert done.returncode == 1
    assert (tmp_path / "asked").read_text() == f"-m venv {tmp_path / 'venv'}\n"
    assert done.stderr.endswith("  apt-get install python3-venv\n")
