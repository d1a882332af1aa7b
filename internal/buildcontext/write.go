package buildcontext

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/klauspost/pgzip"
)

// The archive's bytes follow from these, and from the library's version. Level 2
// takes two thirds of level 5's time. Half text and half what does not compress
// take a fortieth more than with zlib's level 6, source code alone to a
// seventh more.
const (
	level     = 2
	blockSize = 512 << 10 // each is compressed by itself
	maxBlocks = 4         // at once; each takes some 3 MiB of memory
	readSize  = 128 << 10
)

// write packs what was found.
func (a *Archive) write(ctx context.Context, root *os.Root, found *contents, o Options) error {
	sum := md5.New()
	to := &counter{w: io.MultiWriter(a.file, sum)}
	z, err := pgzip.NewWriterLevel(to, level)
	if err != nil {
		return err
	}
	defer z.Reset(io.Discard) // ends what still runs of it
	if err := z.SetConcurrency(blockSize, min(maxBlocks, runtime.GOMAXPROCS(0))); err != nil {
		return err
	}
	p := packer{
		ctx:      ctx,
		root:     root,
		tar:      tar.NewWriter(z),
		buffer:   make([]byte, readSize),
		progress: Progress{AllFiles: found.files, AllBytes: found.bytes},
		tell:     o.Progress,
		open:     o.open,
	}
	if p.tell == nil {
		p.tell = func(Progress) {}
	}
	for i, e := range found.entries {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("packing the build context: %w", err)
		}
		if err := p.pack(e, found.entries[i:]); err != nil {
			return err
		}
	}
	for _, close := range []func() error{p.tar.Close, z.Close} {
		if err := close(); err != nil {
			return notWritten(err)
		}
	}
	a.Size, a.pointers = to.n, p.pointers
	a.Hash = hex.EncodeToString(sum.Sum(nil))[:16]
	return nil
}

type packer struct {
	ctx      context.Context
	root     *os.Root
	tar      *tar.Writer
	buffer   []byte
	progress Progress
	tell     func(Progress)
	open     opener
	pointers []string // of Git LFS, that were packed
}

// pack writes the first of the entries that are left.
func (p *packer) pack(e entry, left []entry) error {
	if e.mode.IsDir() {
		return p.header(e)
	}
	if e.mode.IsRegular() {
		if err := p.file(e, left); err != nil {
			return err
		}
	} else if err := p.header(e); err != nil {
		return err
	}
	p.progress.Files++
	p.tell(p.progress)
	return nil
}

// header writes an entry's header. Owner and times are left out, and
// so is what a umask changes.
func (p *packer) header(e entry) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.path, Size: e.size, Mode: 0o644, ModTime: time.Unix(0, 0)}
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, e.path+"/", 0o755
	case e.mode.Type() == fs.ModeSymlink:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.link, 0o777
	case e.mode.Perm() != 0:
		h.Mode = 0o755
	}
	if !utf8.ValidString(h.Name) || !utf8.ValidString(h.Linkname) {
		h.Format = tar.FormatGNU // takes any bytes; PAX is UTF-8
	}
	if err := p.tar.WriteHeader(h); err != nil {
		return notWritten(err)
	}
	return nil
}

// file writes a file that is still as it was found, and nothing else.
func (p *packer) file(e entry, left []entry) error {
	f, err := p.open(p.root, e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return changed(e.path)
	case err != nil:
		return p.unreadable(err, left)
	}
	defer f.Close()
	if !still(e, f) {
		return changed(e.path)
	}
	if err := p.header(e); err != nil {
		return err
	}
	for rest := e.size; rest > 0; {
		if err := p.ctx.Err(); err != nil {
			return fmt.Errorf("packing the build context: %w", err)
		}
		n, err := f.Read(p.buffer[:min(rest, readSize)])
		switch {
		case n == 0 && err == io.EOF:
			return changed(e.path)
		case n == 0 && err != nil:
			return p.unreadable(err, left)
		}
		if e.size <= maxPointer && bytes.HasPrefix(p.buffer[:n], []byte(pointerStart)) {
			p.pointers = append(p.pointers, e.path)
		}
		if _, err := p.tar.Write(p.buffer[:n]); err != nil {
			return notWritten(err)
		}
		rest -= int64(n)
		p.progress.Bytes += int64(n)
		if rest > 0 {
			p.tell(p.progress)
		}
	}
	if !still(e, f) {
		return changed(e.path)
	}
	return nil
}

// still reports whether a file is as it was found.
func still(e entry, f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && info.Size() == e.size && info.ModTime().Equal(e.changed)
}

// unreadable names the first of the files that are left, and of those after it
// that cannot be opened either.
func (p *packer) unreadable(why error, left []entry) error {
	names := []string{left[0].path}
	for _, e := range left[1:] {
		if p.ctx.Err() != nil {
			break
		}
		if !e.mode.IsRegular() {
			continue
		}
		if f, err := p.open(p.root, e.path); err != nil {
			names = append(names, e.path)
		} else {
			f.Close()
		}
	}
	return unreadable(names, why)
}

func notWritten(err error) error {
	return fmt.Errorf("the build context's archive cannot be written: %w", err)
}

// counter counts the bytes that go through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
