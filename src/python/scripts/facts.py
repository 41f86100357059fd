"""Prints as JSON what pip-accel needs to know of the Python that runs this.

Where pip is importable its own modules are asked (the installation scheme, the tags), since
they decide where pip would install and what it would take. Runs on 2.7 and from 3.6 on.
"""
import json
import os
import platform
import site
import sys
import sysconfig


def main():
    pip = find_pip()
    facts = {
        "executable": sys.executable,
        "prefix": sys.prefix,
        "basePrefix": getattr(sys, "base_prefix", getattr(sys, "real_prefix", sys.prefix)),
        "version": "%d.%d.%d" % sys.version_info[:3],
        "versionInfo": list(sys.version_info[:2]),
        "implementation": implementation_name(),
        "cacheTag": getattr(getattr(sys, "implementation", None), "cache_tag", None),
        "bytecodeMagic": bytecode_magic(),
        "soabi": sysconfig.get_config_var("SOABI") or implementation_name() + "-%d%d" % sys.version_info[:2],
        "platform": sysconfig.get_platform(),
        "libc": libc(),
        "markers": markers(),
        "sitePackages": site_packages(),
        "userSite": user_site(),
        "isVirtualEnvironment": in_virtual_environment(),
        "externallyManagedMarker": externally_managed_marker(),
        "pip": pip,
        "scheme": scheme(pip),
        "prefixScheme": prefix_scheme(),
        "rootWarning": root_warning(pip),
    }
    facts["tags"] = tags(pip)
    facts["abi"] = abi_tag(facts["soabi"]) or (facts["tags"][0].split("-")[1] if facts["tags"] else facts["soabi"])
    sys.stdout.write(json.dumps(facts))


def find_pip():
    try:
        import pip
        pip.__version__
    # A pip of which a part is gone fails in any way.
    except Exception:
        return None
    script = os.path.join(sysconfig.get_path("scripts"), "pip")
    try:
        with open(script, "rb") as stream:
            text = stream.read(4096)
        # pyenv and others put shell scripts of that name in front of it.
        if b"import" not in text or b"pip._internal" not in text:
            script = None
    except (IOError, OSError):
        script = None
    return {"version": pip.__version__, "script": script, "module": os.path.abspath(pip.__file__).replace(".pyc", ".py")}


def implementation_name():
    name = getattr(getattr(sys, "implementation", None), "name", None)
    return name or platform.python_implementation().lower()


def abi_tag(soabi):
    """The ABI tag of PEP 425 out of SOABI (PEP 3149), the same whether pip is there or not."""
    parts = soabi.split("-")
    if soabi.startswith("cpython-") and sys.version_info >= (3,):
        return "cp" + parts[1]
    if soabi.startswith("pypy") and len(parts) > 1:
        return "_".join(parts[:2])
    return None


def bytecode_magic():
    try:
        from importlib.util import MAGIC_NUMBER as magic
    except ImportError:
        import imp

        magic = imp.get_magic()
    return "".join("%02x" % byte for byte in bytearray(magic))


def libc():
    if not sys.platform.startswith("linux"):
        return {"family": "unknown", "version": ""}
    try:
        import ctypes

        version = ctypes.CDLL(None).gnu_get_libc_version
        version.restype = ctypes.c_char_p
        return {"family": "glibc", "version": version().decode("ascii")}
    except (ImportError, AttributeError, OSError):
        pass
    for folder in ("/lib", "/usr/lib"):
        if os.path.isdir(folder) and any(name.startswith("ld-musl-") for name in os.listdir(folder)):
            return {"family": "musl", "version": ""}
    return {"family": "unknown", "version": ""}


def markers():
    """PEP 508, `packaging.markers.default_environment`."""
    info = getattr(getattr(sys, "implementation", None), "version", sys.version_info)
    implementation_version = "%d.%d.%d" % info[:3]
    if info[3] != "final":
        implementation_version += info[3][0] + str(info[4])
    return {
        "implementation_name": getattr(getattr(sys, "implementation", None), "name", ""),
        "implementation_version": implementation_version if hasattr(sys, "implementation") else "0",
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def site_packages():
    """The folders of sys.path that pip looks for distributions in; not the folder of this script."""
    here = os.path.dirname(os.path.abspath(__file__)) if "__file__" in globals() else None
    return [path for path in sys.path if path and os.path.isabs(path) and path != here and not path.endswith(".zip")]


def user_site():
    try:
        return site.getusersitepackages() if site.ENABLE_USER_SITE else None
    except AttributeError:
        return None


def in_virtual_environment():
    return hasattr(sys, "real_prefix") or sys.prefix != getattr(sys, "base_prefix", sys.prefix)


def externally_managed_marker():
    """PEP 668: where the marker file is, or would be; a virtual environment has none."""
    if in_virtual_environment():
        return None
    return os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")


def scheme(pip):
    keys = ("purelib", "platlib", "headers", "scripts", "data")
    if pip is not None:
        try:
            from pip._internal.locations import get_scheme

            found = get_scheme("name")
            values = dict((key, getattr(found, key)) for key in keys)
            values["headers"] = os.path.dirname(values["headers"])
            return values
        except Exception:
            try:
                from pip._internal.locations import distutils_scheme

                values = dict((key, distutils_scheme("name")[key]) for key in keys)
                values["headers"] = os.path.dirname(values["headers"])
                return values
            except Exception:
                pass
    paths = sysconfig.get_paths()
    headers = paths["include"]
    if in_virtual_environment():
        headers = os.path.join(sys.prefix, "include", "site", "python%d.%d" % sys.version_info[:2])
    return {
        "purelib": paths["purelib"],
        "platlib": paths["platlib"],
        "headers": headers,
        "scripts": paths["scripts"],
        "data": paths["data"],
    }


def prefix_scheme():
    """The folders of an installation under a prefix of its own (`--prefix`), relative to it."""
    prefix = os.path.join(os.sep, "prefix")
    keys = ("purelib", "platlib", "headers", "scripts", "data")
    try:
        from pip._internal.locations import get_scheme

        found = get_scheme("name", prefix=prefix)
        values = dict((key, getattr(found, key)) for key in keys)
        values["headers"] = os.path.dirname(values["headers"])
    except Exception:
        paths = sysconfig.get_paths(vars={"base": prefix, "platbase": prefix, "installed_base": prefix})
        values = dict((key, paths["include" if key == "headers" else key]) for key in keys)
    return dict((key, os.path.relpath(value, prefix)) for key, value in values.items())


def tags(pip):
    if pip is not None:
        try:
            from pip._internal.utils.compatibility_tags import get_supported

            return [str(tag) for tag in get_supported()]
        except Exception:
            pass
        try:
            from pip._internal.pep425tags import get_supported

            return ["-".join(tag) for tag in get_supported()]
        except Exception:
            pass
    try:
        from packaging.tags import sys_tags

        return [str(tag) for tag in sys_tags()]
    except ImportError:
        return []


def root_warning(pip):
    """pip's own words for installing as root outside a virtual environment, which change between versions."""
    if pip is None:
        return None
    for module in ("pip._internal.utils.misc", "pip._internal.cli.req_command"):
        try:
            function = getattr(__import__(module, fromlist=["x"]), "warn_if_run_as_root")
        except Exception:
            continue
        for constant in function.__code__.co_consts:
            if isinstance(constant, str) and constant.startswith("Running pip as"):
                return constant
    return None


main()
