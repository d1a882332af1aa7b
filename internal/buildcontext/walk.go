package buildcontext

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// entry is a file, folder or symbolic link to pack, as it was when it was found.
type entry struct {
	path    string      // in the context, with slashes
	mode    fs.FileMode // its type, and whether it is executable
	size    int64       // of a file
	changed time.Time   // of a file
	link    string      // where a symbolic link points to, with slashes
}

// opener opens a file or folder of the context, to read it.
type opener func(*os.Root, string) (*os.File, error)

// contents are what a walk found in a context. Entries are in the order of their
// names in the archive, where a folder's ends in a slash: each comes after its
// folder, and one folder's stand together.
type contents struct {
	entries  []entry
	files    int   // files and links
	bytes    int64 // of files
	keptOut  []string
	namedIn  []string // what may hold secrets, and a pattern names
	left     []string
	excluded int // files, and folders with all that is in them, that the rules leave out
	own      int // files and links beside the Dockerfile and the ignore file
}

// walk finds what the rules leave of a context. A folder that is left out is
// looked into only where something of it may be taken back in.
func walk(ctx context.Context, root *os.Root, r *rules, open opener) (*contents, error) {
	w := walker{ctx: ctx, root: root, rules: r, open: open, found: &contents{}}
	if err := w.folder(".", nil, decision{}, nil); err != nil {
		return nil, err
	}
	if len(w.unreadable) > 0 {
		return nil, unreadable(w.unreadable, w.why)
	}
	return w.found, nil
}

type walker struct {
	ctx   context.Context
	root  *os.Root
	rules *rules
	open  opener
	found *contents

	unreadable []string // folders
	why        error    // of the first
}

// parent is a folder on the way to where a walk is. One that the rules leave out
// is packed when something in it is.
type parent struct {
	entry
	up     *parent
	packed bool
}

func (w *walker) folder(dir string, info fs.FileInfo, now decision, up *parent) error {
	all, err := w.read(dir, info)
	switch {
	case errors.Is(err, errReplaced), errors.Is(err, fs.ErrNotExist):
		return changed(dir)
	case err != nil && (now.out || now.secret):
		return nil
	case err != nil:
		w.unreadable = append(w.unreadable, dir+"/")
		w.why = firstError(w.why, err)
		return nil
	}
	for _, e := range all {
		if err := w.ctx.Err(); err != nil {
			return fmt.Errorf("packing the build context: %w", err)
		}
		if err := w.one(path.Join(dir, e.Name()), e, now, up); err != nil {
			return err
		}
	}
	return nil
}

var errReplaced = errors.New("another folder is there now")

// read returns a folder's entries in the order that contents have.
func (w *walker) read(dir string, info fs.FileInfo) ([]fs.DirEntry, error) {
	f, err := w.open(w.root, dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info != nil {
		if is, err := f.Stat(); err != nil || !os.SameFile(info, is) {
			return nil, errReplaced
		}
	}
	all, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(key(a), key(b)) })
	return all, nil
}

// one takes up an entry of a folder, and what is below it.
func (w *walker) one(name string, e fs.DirEntry, around decision, up *parent) error {
	now, err := w.rules.decide(name, around)
	if err != nil {
		return &Error{Input: inputContext, Text: fmt.Sprintf("%q cannot be matched: %v", name, err), Err: err}
	}
	out := now.out || now.secret
	if now.secret && !now.out && !around.secret {
		w.found.keptOut = append(w.found.keptOut, shown(name, e.IsDir()))
	}
	if named := shown(now.named, e.IsDir() || now.named != name); !out && now.named != "" && !slices.Contains(w.found.namedIn, named) {
		w.found.namedIn = append(w.found.namedIn, named)
	}
	if out && (!e.IsDir() || w.rules.cannotReinclude(name)) {
		if now.out && name != w.rules.file {
			w.found.excluded++
		}
		return nil
	}
	info, err := e.Info()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return changed(name)
	case err != nil:
		w.unreadable = append(w.unreadable, name)
		w.why = firstError(w.why, err)
		return nil
	}
	it := entry{path: name, mode: info.Mode().Type()}
	switch it.mode {
	case fs.ModeDir:
		here := &parent{entry: it, up: up}
		if !out {
			w.pack(here)
		}
		return w.folder(name, info, now, here)
	case fs.ModeSymlink:
		if it.link, err = w.root.Readlink(name); err != nil {
			return changed(name)
		}
		it.link = slashes(it.link)
	case 0:
		it.mode |= info.Mode() & 0o111
		it.size, it.changed = info.Size(), info.ModTime()
	default:
		w.found.left = append(w.found.left, name)
		return nil
	}
	w.pack(up)
	w.found.entries = append(w.found.entries, it)
	w.found.files++
	w.found.bytes += it.size
	if !w.rules.kept[name] && name != w.rules.file {
		w.found.own++
	}
	return nil
}

// pack takes a folder into the archive, after those that it is in.
func (w *walker) pack(p *parent) {
	if p == nil || p.packed {
		return
	}
	w.pack(p.up)
	p.packed = true
	w.found.entries = append(w.found.entries, p.entry)
}

func shown(name string, folder bool) string {
	if folder {
		return name + "/"
	}
	return name
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func changed(name string) error {
	return &Error{Input: inputContext, Text: fmt.Sprintf("%q changed while it was packed; let the steps before end their writing, or leave it out by %s", name, inputExclude)}
}

func unreadable(names []string, err error) error {
	return &Error{Input: inputContext, Text: fmt.Sprintf("these cannot be read: %s: %v; give the job the right to, or leave them out by %s", quoted(names), err, inputExclude), Err: err}
}
