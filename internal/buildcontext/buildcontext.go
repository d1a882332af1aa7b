// Package buildcontext packs a build context for a cloud build: what Docker's ignore
// rules leave of a folder, as a tar.gz whose bytes depend on the files alone.
package buildcontext

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// MaxUnpacked is how many bytes the files of a context may have. The platform
// says 500 MB; its own clients count the files' contents, and count in MiB.
const MaxUnpacked = 500 << 20

// Options are what to pack. The zero value packs the current folder.
type Options struct {
	Dir        string   // the context; empty: the workspace, or else the current folder
	Workspace  string   // a relative Dir is in it, and every Dir must be; empty: no such limit
	Input      string   // the context as build-context names it, for messages; empty: Dir
	Dockerfile string   // its path in the context; empty: Dockerfile
	Exclude    []string // patterns on top of the ignore file's, in its syntax; each may have several lines
	Temp       string   // where the archive is written, made when missing; empty: os.TempDir

	// Progress is called with what is packed so far, often, and never concurrently.
	// It must not block, and may be nil.
	Progress func(Progress)

	open opener // a test's, else openFile
}

// Progress is how far packing has come.
type Progress struct {
	Files, AllFiles int   // files and symbolic links
	Bytes, AllBytes int64 // unpacked
}

// Archive is a packed context. It must be closed.
type Archive struct {
	Hash       string // the first 16 hex digits of its MD5: the platform's contextHash
	Size       int64  // in bytes
	Unpacked   int64  // bytes of its files
	Files      int    // files and symbolic links in it
	Dockerfile string // the Dockerfile's path in it, with slashes
	Dir        string // the context's own path in the workspace, with slashes; "" for all of it
	Excluded   int    // files, and folders with all that is in them, that the rules leave out
	IgnoreFile string // whose rules were kept, with slashes; empty: the platform's own list

	// KeptOut may hold secrets and are not in it, though no rule of the user's
	// excludes them. NamedIn may hold secrets as well and are in it, because a
	// pattern with a ! names them. Left are the sockets, pipes and devices. A
	// folder ends in a slash. Names are not ours: print them quoted.
	KeptOut, NamedIn, Left []string

	// Missing is what the Dockerfile takes from the context, and what is not in it.
	Missing []Missing

	file     *tempFile
	pointers []string
}

// Reader returns a new reader of the archive from its start. Readers don't
// disturb each other.
func (a *Archive) Reader() *io.SectionReader { return io.NewSectionReader(a.file, 0, a.Size) }

// Close removes the archive.
func (a *Archive) Close() error { return a.file.Close() }

// Pack packs a context into a temporary file. What the user can set right is an
// *Error, or several that are joined; nothing is written before all of the
// context is known to be fit. Whatever ends Pack without an archive leaves no
// file behind.
func Pack(ctx context.Context, o Options) (*Archive, error) {
	if o.open == nil {
		o.open = openFile
	}
	root, err := openContext(o)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	dockerfile, kept, err := findDockerfile(root, o)
	rules, badRules := newRules(root, dockerfile, kept, o.Exclude)
	if err := errors.Join(err, badRules); err != nil {
		return nil, err
	}
	found, err := walk(ctx, root, rules, o.open)
	if err != nil {
		return nil, err
	}
	sources := readSources(root, dockerfile)
	l := lookup{root: root, found: found, rules: rules, o: o, dir: inWorkspace(o), docker: dockerfile}
	if err := errors.Join(found.tooLarge(), l.nothingLeft(sources)); err != nil {
		return nil, err
	}
	a := &Archive{
		Unpacked:   found.bytes,
		Files:      found.files,
		Dockerfile: dockerfile,
		Dir:        l.dir,
		Excluded:   found.excluded,
		IgnoreFile: rules.file,
		KeptOut:    found.keptOut,
		NamedIn:    found.namedIn,
		Left:       found.left,
	}
	if a.file, err = newTempFile(o.Temp); err != nil {
		return nil, fmt.Errorf("no place for the build context's archive: %w", err)
	}
	packed := false
	defer func() { // on a panic, too
		if !packed {
			a.Close()
		}
	}()
	if err := a.write(ctx, root, found, o); err != nil {
		return nil, err
	}
	packed = true
	a.Missing = l.inspect(sources, a.pointers)
	return a, nil
}
