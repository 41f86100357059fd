"""
Builds the setup.py project in the current folder with `bdist_dumb`, as a tree shaped like a wheel.

    python build_bdist_dumb.py OUTCOME TREE ABI_TAG [--own-converter]

TREE is created; OUTCOME is a JSON file that says how it went:
    {"outcome": "built"}
    {"outcome": "requires", "requirements": [...]}   setup_requires that are not there yet
    {"outcome": "unmappable", "reason": "..."}       the tree would not be what pip installs
    {"outcome": "failed"}                            the project's own build step failed
No OUTCOME: something else failed; standard error tells.

The project's setup.py sees the sys.argv of pip's build (`bdist_wheel`), and `install` runs with the
folders that bdist_wheel gives it; so what it leaves is laid out as pip's wheel, absolute data files
and headers included. The egg-info is converted by the `bdist_wheel` command of the very setuptools
or wheel at hand. Only where neither has one is it converted here. Python 2.7 and 3.6 to 3.14.
"""

import base64
import csv
import glob
import hashlib
import io
import json
import os
import re
import shutil
import sys

OUTCOME, TREE, ABI_TAG = sys.argv[1:4]
OWN_CONVERTER = '--own-converter' in sys.argv[4:]

# Where pip's frontend has no entry for a script's own folder, there is none here.
if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]


class Unmappable(BaseException):
    """Not an Exception: some setup.py try again without their extension modules after one."""


class SetupRequires(BaseException):
    def __init__(self, requirements):
        BaseException.__init__(self)
        self.requirements = requirements


def finish(**outcome):
    with io.open(OUTCOME, 'w', encoding='utf-8') as stream:
        stream.write(json.dumps(outcome) + u'')


def main():
    import setuptools
    import setuptools.dist

    wanted_arguments = ['bdist_wheel', '--dist-dir', os.path.join(os.path.dirname(TREE), 'dist')]
    intercept_setup_requires(setuptools)
    intercept_command_line(setuptools, wanted_arguments)

    sys.argv = ['setup.py'] + wanted_arguments
    try:
        run_script()
    except SetupRequires as needs:
        return finish(outcome='requires', requirements=needs.requirements)
    except Unmappable as error:
        return finish(outcome='unmappable', reason=str(error))
    except SystemExit as error:
        # distutils.core.setup turns its own errors into one; a script may also end with exit(0).
        if error.code:
            raise
    if not os.path.exists(OUTCOME):
        finish(outcome='unmappable', reason='setup.py did not call setup()')


def run_script():
    """As pip's build does, by the legacy backend of this very setuptools where it has one (40.8)."""
    try:
        from setuptools.build_meta import __legacy__ as backend
    except ImportError:
        backend = None
    if backend is not None:
        return backend.run_setup()
    import tokenize

    sys.path.insert(0, os.getcwd())
    with getattr(tokenize, 'open', open)('setup.py') as stream:
        code = stream.read()
    exec(compile(code, 'setup.py', 'exec'), {'__file__': 'setup.py', '__name__': '__main__'})


def intercept_setup_requires(setuptools):
    """The frontend installs what setup_requires names; setuptools must not fetch eggs."""

    def fetch_build_eggs(self, specifiers):
        lacking = unsatisfied(specifiers)
        if lacking:
            raise SetupRequires(lacking + wheel_requirement())

    setuptools.dist.Distribution.fetch_build_eggs = fetch_build_eggs


def wheel_requirement():
    """A setuptools without a bdist_wheel of its own (before 70.1) asks for both at once, as its backend does."""
    for module in ('setuptools.command.bdist_wheel', 'wheel'):
        try:
            __import__(module)
            return []
        except ImportError:
            pass
    return [] if OWN_CONVERTER else ['wheel']


def unsatisfied(specifiers):
    """Those of the requirements that nothing on sys.path satisfies, as strings."""
    if not isinstance(specifiers, str):
        specifiers = '\n'.join(str(specifier) for specifier in specifiers)
    try:
        import pkg_resources
    except ImportError:
        return unsatisfied_by_metadata(specifiers)
    lacking = []
    for requirement in pkg_resources.parse_requirements(specifiers):
        marker = getattr(requirement, 'marker', None)
        if marker is not None and not marker.evaluate({'extra': ''}):
            continue
        found = pkg_resources.working_set.by_key.get(requirement.key)
        # `in` alone refuses pre-releases, which may have been asked for.
        if found is None or not requirement.specifier.contains(found.version, prereleases=True):
            lacking.append(str(requirement))
    return lacking


def unsatisfied_by_metadata(specifiers):
    """For setuptools 82 and later, which have no pkg_resources but bring packaging."""
    from importlib import metadata

    from packaging.requirements import Requirement

    lacking = []
    for line in specifiers.splitlines():
        if not line.strip():
            continue
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({'extra': ''}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            lacking.append(line)
    return lacking


def intercept_command_line(setuptools, wanted_arguments):
    """The command line that setup() parses: ours, once setup.py has looked at pip's."""
    original = setuptools.dist.Distribution.parse_command_line

    def parse_command_line(self):
        if list(self.script_args or []) != wanted_arguments:
            raise Unmappable('setup.py changes its command line')
        if os.path.exists(TREE):
            raise Unmappable('setup.py calls setup() more than once')
        if 'bdist_dumb' in self.cmdclass:
            raise Unmappable('setup.py has a bdist_dumb of its own')
        self.script_args = ['bdist_dumb']
        self.cmdclass['bdist_dumb'] = make_command()
        return original(self)

    setuptools.dist.Distribution.parse_command_line = parse_command_line


def make_command():
    # Only now: an import of distutils before setup.py has imported setuptools would be the wrong one.
    from distutils.command.bdist_dumb import bdist_dumb

    class WheelShapedDumb(bdist_dumb):
        """bdist_dumb whose tree is left unpacked, with the folders of a wheel for those of a prefix."""

        def run(self):
            converter = make_converter(self.distribution)
            build_scripts = self.reinitialize_command('build_scripts')
            build_scripts.executable = 'python'
            build_scripts.force = True
            self.reinitialize_command('build_ext').inplace = False
            try:
                self.run_command('build')
            except BaseException:
                finish(outcome='failed')
                raise
            install = self.reinitialize_command('install', reinit_subcommands=True)
            install.root = TREE
            install.compile = False
            install.skip_build = False
            install.warn_dir = False
            self.reinitialize_command('install_scripts').no_ep = True
            for key in ('headers', 'scripts', 'data', 'purelib', 'platlib'):
                setattr(install, 'install_' + key, os.path.join(converter.data_dir, key))
            setattr(install, 'install_purelib' if converter.root_is_pure else 'install_platlib', '')
            self.run_command('install')
            egg_info = self.get_finalized_command('install_egg_info').target
            converter.convert(egg_info)
            write_record(converter.dist_info)
            finish(outcome='built')

    return WheelShapedDumb


def make_converter(distribution):
    from distutils.errors import DistutilsModuleError

    if OWN_CONVERTER:
        return OwnConverter(distribution)
    try:
        command = distribution.get_command_class('bdist_wheel')
    except DistutilsModuleError:
        raise SetupRequires(['wheel'])
    if command.__module__ not in (
        'setuptools.command.bdist_wheel',
        'wheel._bdist_wheel',
        'wheel.bdist_wheel',
    ):
        raise Unmappable('setup.py has a bdist_wheel of its own')
    return BdistWheelConverter(distribution)


class BdistWheelConverter(object):
    """The bdist_wheel command that pip's build would run says the names and makes the dist-info."""

    def __init__(self, distribution):
        self.command = distribution.get_command_obj('bdist_wheel')
        self.command.bdist_dir = TREE
        self.command.ensure_finalized()
        for module in egg_info_writers():
            # pip's dist-info is made by another command, in which such a plug-in (pbr) says other things.
            if module.split('.')[0] not in ('setuptools', 'distutils'):
                raise Unmappable('%s adds to the metadata' % module)
        if getattr(self.command, 'relative', False) or self.command.skip_build:
            raise Unmappable('setup.cfg sets up bdist_wheel in its own way')
        self.data_dir = self.command.data_dir
        self.root_is_pure = self.command.root_is_pure
        name = self.data_dir[: -len('.data')]
        if self.command.build_number:
            name = name[: -len('-' + self.command.build_number)]
        self.dist_info = name + '.dist-info'

    def convert(self, egg_info):
        self.command.egginfo_dir = egg_info
        folder = os.path.join(TREE, self.dist_info)
        self.command.egg2dist(egg_info, folder)
        self.command.write_wheelfile(folder)


def egg_info_writers():
    """The modules of all entry points that write into an egg-info."""
    try:
        from importlib import metadata
    except ImportError:
        import pkg_resources

        return [entry.module_name for entry in pkg_resources.iter_entry_points('egg_info.writers')]
    found = metadata.entry_points()
    if hasattr(found, 'select'):
        found = found.select(group='egg_info.writers')
    else:
        found = found.get('egg_info.writers', ())
    return [entry.value.split(':')[0].strip() for entry in found]


class OwnConverter(object):
    """For a setuptools without bdist_wheel (before 70.1) and no wheel package: what wheel 0.37 does."""

    def __init__(self, distribution):
        self.distribution = distribution
        egg_info = distribution.get_command_obj('egg_info')
        egg_info.ensure_finalized()
        name = re.sub('[^A-Za-z0-9.]+', '-', distribution.get_name()).replace('-', '_')
        version = egg_info.egg_version.replace('-', '_')
        self.data_dir = '%s-%s.data' % (name, version)
        self.dist_info = '%s-%s.dist-info' % (name, version)
        self.root_is_pure = not (distribution.has_ext_modules() or distribution.has_c_libraries())

    def convert(self, egg_info):
        folder = os.path.join(TREE, self.dist_info)
        os.mkdir(folder)
        if os.path.isdir(egg_info):
            self.copy_egg_info(egg_info, folder)
            pkg_info = os.path.join(egg_info, 'PKG-INFO')
        else:
            pkg_info = egg_info
        self.write_metadata(pkg_info, os.path.join(egg_info, 'requires.txt'), folder)
        for path in self.license_files():
            shutil.copy(path, os.path.join(folder, os.path.basename(path)))
        if os.path.isdir(egg_info):
            shutil.rmtree(egg_info)
        else:
            os.unlink(egg_info)
        with io.open(os.path.join(folder, 'WHEEL'), 'w', encoding='ascii') as stream:
            stream.write(u'Wheel-Version: 1.0\nGenerator: pip-accel (1)\n')
            stream.write(u'Root-Is-Purelib: %s\n' % str(self.root_is_pure).lower())
            stream.writelines(u'Tag: %s\n' % tag for tag in self.tags())
            stream.write(u'\n')

    def copy_egg_info(self, egg_info, folder):
        useless = ('PKG-INFO', 'requires.txt', 'SOURCES.txt', 'not-zip-safe')
        for name in os.listdir(egg_info):
            path = os.path.join(egg_info, name)
            if name in useless or not os.path.isfile(path):
                continue
            if name == 'dependency_links.txt':
                with open(path) as stream:
                    if not stream.read().strip():
                        continue
            shutil.copy(path, os.path.join(folder, name))

    def write_metadata(self, pkg_info, requires, folder):
        """PKG-INFO with its Requires-Dist from requires.txt, where old versions of setuptools say them."""
        errors = 'replace' if str is bytes else 'surrogateescape'
        with io.open(pkg_info, encoding='utf-8', errors=errors) as stream:
            head, separator, body = stream.read().partition(u'\n\n')
        fields = re.split(u'\n(?=[^ \t])', head.rstrip(u'\n'))
        description = u''
        kept = []
        for field in fields:
            name, _, value = field.partition(u':')
            if name == u'Description':
                description = dedent_description(value)
            elif name == u'Metadata-Version':
                # Requires-Dist is 1.2, Provides-Extra and a Description as body are 2.1.
                kept.append(u'Metadata-Version: %s' % max(value.strip(), u'2.1'))
            elif name not in (u'Requires-Dist', u'Provides-Extra'):
                kept.append(field)
        if os.path.exists(requires):
            kept.extend(requirement_fields(requires))
        text = u'\n'.join(kept) + u'\n\n' + (description or body)
        data = text.encode('utf-8', errors)
        with open(os.path.join(folder, 'METADATA'), 'wb') as stream:
            stream.write(data)

    def license_files(self):
        metadata = self.distribution.metadata
        options = self.distribution.get_option_dict('metadata')
        named = getattr(metadata, 'license_files', None)
        if named is None and 'license_files' in options:
            named = options['license_files'][1].split()
        if 'license_file' in options:
            named = list(named or []) + [options['license_file'][1]]
        if named is None:
            named = ('LICEN[CS]E*', 'COPYING*', 'NOTICE*', 'AUTHORS*')
        paths = set(path for pattern in named for path in glob.glob(pattern))
        return sorted(path for path in paths if os.path.isfile(path) and not path.endswith('~'))

    def tags(self):
        if self.root_is_pure:
            options = self.distribution.get_option_dict('bdist_wheel')
            universal = options.get('universal', ('', ''))[1].strip().lower() in ('1', 'true', 'yes')
            majors = ('py2', 'py3') if universal else ('py%d' % sys.version_info[0],)
            return ['%s-none-any' % major for major in majors]
        from distutils.util import get_platform

        platform = re.sub('[-. ]', '_', get_platform().lower())
        implementation = re.match('(pp|cp)[0-9]+', ABI_TAG)
        if ABI_TAG.startswith('pypy'):
            python = 'pp%d%d' % sys.version_info[:2]
        else:
            python = implementation.group() if implementation else 'py%d' % sys.version_info[0]
        return ['%s-%s-%s' % (python, ABI_TAG, platform)]


def dedent_description(value):
    import textwrap

    lines = value.split(u'\n')
    return u'\n'.join([lines[0].lstrip(), textwrap.dedent(u'\n'.join(lines[1:])), u'\n'])


def requirement_fields(path):
    """The sections of requires.txt, `[extra:marker]`, as Requires-Dist and Provides-Extra fields."""
    section = u''
    sections = {u'': []}
    with io.open(path, encoding='utf-8') as stream:
        for line in stream:
            line = line.strip()
            if line.startswith(u'[') and line.endswith(u']'):
                section = line[1:-1]
                sections.setdefault(section, [])
            elif line:
                sections[section].append(line)
    # Every setuptools that has no bdist_wheel has pkg_resources, whose str() is packaging's.
    from pkg_resources import Requirement

    provided = set()
    for section in sorted(sections):
        extra, _, marker = section.partition(u':')
        condition = marker
        if extra:
            extra = re.sub(u'[^A-Za-z0-9.-]+', u'_', extra).lower()
            if extra not in provided:
                yield u'Provides-Extra: %s' % extra
            provided.add(extra)
            condition = (u'(%s) and ' % marker if marker else u'') + u"extra == '%s'" % extra
        for requirement in sections[section]:
            line = requirement + (u' ; ' + condition if condition else u'')
            yield u'Requires-Dist: %s' % Requirement.parse(line)


def write_record(dist_info):
    """RECORD in the order in which wheel and setuptools write it: dist-info last, then by name."""
    record = dist_info + '/RECORD'
    rows, deferred = [], []
    for root, folders, files in os.walk(TREE):
        folders.sort()
        if any(os.path.islink(os.path.join(root, name)) for name in folders + files):
            raise Unmappable('setup.py installs symbolic links')
        for name in sorted(files):
            path = os.path.normpath(os.path.join(root, name))
            if not os.path.isfile(path):
                continue
            member = os.path.relpath(path, TREE).replace(os.path.sep, '/')
            if member == record:
                continue
            (deferred if root.endswith('.dist-info') else rows).append((path, member))
    table = io.BytesIO() if str is bytes else io.StringIO()
    writer = csv.writer(table, delimiter=',', quotechar='"', lineterminator='\n')
    for path, member in rows + sorted(deferred):
        with open(path, 'rb') as stream:
            data = stream.read()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode('ascii')
        writer.writerow((member, hashlib.sha256().name + '=' + digest, len(data)))
    writer.writerow((record, '', ''))
    text = table.getvalue()
    with open(os.path.join(TREE, dist_info, 'RECORD'), 'wb') as stream:
        stream.write(text if str is bytes else text.encode('utf-8'))


if __name__ == '__main__':
    main()
