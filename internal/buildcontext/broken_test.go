package buildcontext

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"pipecat-cloud-deploy/internal/scratch"
)

// meddle returns an opener that does something to a file, once, and before or
// after it is opened.
func meddle(name string, after bool, with func()) opener {
	done := false
	return func(root *os.Root, opened string) (*os.File, error) {
		if opened == name && !done && !after {
			done = true
			with()
		}
		f, err := openFile(root, opened)
		if opened == name && !done {
			done = true
			with()
		}
		return f, err
	}
}

// TestChanged changes a file while it is packed, or before.
func TestChanged(t *testing.T) {
	const size = 3 * readSize
	for _, tt := range []struct {
		name string
		do   func(file string) error
	}{
		{"grows", func(file string) error { return os.Truncate(file, size+1) }},
		{"shrinks", func(file string) error { return os.Truncate(file, size-1) }},
		{"is empty", func(file string) error { return os.Truncate(file, 0) }},
		{"grows, and has its time", func(file string) error {
			info, err := os.Stat(file)
			return errors.Join(err, os.Truncate(file, size+1), os.Chtimes(file, info.ModTime(), info.ModTime()))
		}},
		{"is written to", func(file string) error { // at once, so its time may be the same
			info, err := os.Stat(file)
			return errors.Join(err, os.Chtimes(file, info.ModTime(), info.ModTime().Add(1000)))
		}},
	} {
		for _, when := range []string{"before", "opened", "read"} {
			t.Run(tt.name+" when "+when, func(t *testing.T) {
				dir := tree(t, "Dockerfile a z")
				write(t, dir, "src/m n", strings.Repeat("x", size))
				do := func() {
					if err := tt.do(filepath.Join(dir, "src/m n")); err != nil {
						t.Error(err)
					}
				}
				o := Options{Dir: dir, Temp: scratch.Dir(t), open: meddle("src/m n", when == "opened", do)}
				if when == "read" {
					o.open = nil
					o.Progress = func(p Progress) {
						if p.Bytes > readSize && do != nil {
							do()
							do = nil
						}
					}
				}
				_, err := Pack(t.Context(), o)
				if wrong := new(Error); !errors.As(err, &wrong) || wrong.Input != inputContext || !strings.Contains(err.Error(), `"src/m n" changed while it was packed; `) {
					t.Errorf("error: %v", err)
				}
				empty(t, o.Temp)
			})
		}
	}
}

// TestReplaced puts something else where a file or a folder was, once it is
// found: nothing from outside of the context may be packed.
func TestReplaced(t *testing.T) {
	for _, tt := range []struct {
		name, at string // the path whose opening it comes before
		do       func(dir, out string) error
		want     string
	}{
		{"a file by a link out", "src/a", func(dir, out string) error { return relink(out+"/src/a", dir+"/src/a") }, `cannot be read: "src/a": `},
		{"a file by a link within", "src/a", func(dir, out string) error { return relink("b", dir+"/src/a") }, `"src/a" changed`},
		{"a file by a folder", "src/a", func(dir, out string) error {
			return errors.Join(os.Remove(dir+"/src/a"), os.Mkdir(dir+"/src/a", 0o755))
		}, `"src/a" changed`},
		{"a file by nothing", "src/a", func(dir, out string) error { return os.Remove(dir + "/src/a") }, `"src/a" changed`},
		{"the folder of a file by a link out", "src/a", func(dir, out string) error { return relink(out+"/src", dir+"/src") }, `cannot be read: "src/a", "src/b"`},
		{"a folder by a link out", "src", func(dir, out string) error { return relink(out+"/src", dir+"/src") }, `cannot be read: "src/": `},
		{"a folder by a link within", "src", func(dir, out string) error { return relink("tests", dir+"/src") }, `"src" changed`},
		{"a folder by nothing", "src", func(dir, out string) error { return os.RemoveAll(dir + "/src") }, `"src" changed`},
		{"a folder by another", "src", func(dir, out string) error {
			return errors.Join(os.Rename(dir+"/src", dir+"/old"), os.Rename(dir+"/tests", dir+"/src"))
		}, `"src" changed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := tree(t, "src/a src/b tests/a")
			dir := tree(t, "Dockerfile src/a src/b tests/a")
			write(t, dir, "src/b", "as long\n")
			o := Options{Dir: dir, Temp: scratch.Dir(t), open: meddle(tt.at, false, func() {
				if err := tt.do(dir, out); err != nil {
					t.Error(err)
				}
			})}
			a, err := Pack(t.Context(), o)
			if err == nil {
				t.Fatalf("packed %v", unpack(t, a))
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error: %v", err)
			}
			empty(t, o.Temp)
		})
	}
}

func relink(target, name string) error {
	return errors.Join(os.RemoveAll(name), os.Symlink(target, name))
}

// TestUnreadable refuses to open some files and folders.
func TestUnreadable(t *testing.T) {
	var many strings.Builder
	for i := range 12 {
		fmt.Fprintf(&many, " x/no%02d", i)
	}
	for _, tt := range []struct{ files, want string }{
		{"a/no b/no1 c no", `build-context: these cannot be read: "a/no", "b/no1", "no": open a/no: permission denied; give the job the right to, or leave them out by build-exclude`},
		{"a/no.dir/x b/no.dir/y no", `build-context: these cannot be read: "a/no.dir/", "b/no.dir/": open a/no.dir: permission denied; `},
		{"a" + many.String(), `"x/no09" and 2 more: open x/no00`},
		{"a out/no.dir/x out/no", ""},
	} {
		dir := tree(t, "Dockerfile bot.py "+tt.files)
		write(t, dir, ".dockerignore", "out\n!out/no.dir/y")
		o := Options{Dir: dir, Temp: scratch.Dir(t), open: func(root *os.Root, name string) (*os.File, error) {
			if strings.HasPrefix(filepath.Base(name), "no") {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
			}
			return openFile(root, name)
		}}
		a, err := Pack(t.Context(), o)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.files, err)
				continue
			}
			a.Close()
		} else if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.files, err)
		}
		empty(t, o.Temp)
	}
}

// large is a context of several blocks that do not compress.
func large(t *testing.T) string {
	dir := tree(t, "Dockerfile a/b c/d")
	noise := make([]byte, 6*blockSize)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	write(t, dir, "m", string(noise))
	return dir
}

// TestCancel stops packing at each place where it looks, and sees that neither a
// file nor a goroutine stays.
func TestCancel(t *testing.T) {
	dir := large(t)
	err := context.Canceled
	stop := 0
	for ; err != nil; stop++ {
		temp := scratch.Dir(t)
		synctest.Test(t, func(t *testing.T) {
			var a *Archive
			if a, err = Pack(&late{Context: t.Context(), after: stop}, Options{Dir: dir, Temp: temp}); err == nil {
				a.Close()
			} else if !errors.Is(err, context.Canceled) {
				t.Errorf("stopped at look %d: %v", stop, err)
			}
		})
		empty(t, temp)
	}
	if stop < 30 {
		t.Errorf("%d looks", stop)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opened := 0
	o := Options{Dir: dir, Temp: filepath.Join(scratch.Dir(t), "none"), open: func(root *os.Root, name string) (*os.File, error) {
		opened++
		return openFile(root, name)
	}}
	if _, err := Pack(ctx, o); !errors.Is(err, context.Canceled) || opened > 1 {
		t.Errorf("%d folders and files were opened: %v", opened, err)
	}
	if _, err := os.Stat(o.Temp); err == nil {
		t.Error("there is a folder for the archive")
	}
}

// TestClosed sees that a stop leaves no file open, where the system says so.
func TestClosed(t *testing.T) {
	dir, temp := large(t), scratch.Dir(t)
	var before, after []os.DirEntry
	for range 2 { // what the first opens for good does not count
		before, _ = os.ReadDir("/proc/self/fd")
		if _, err := Pack(&late{t.Context(), 20}, Options{Dir: dir, Temp: temp}); !errors.Is(err, context.Canceled) {
			t.Errorf("error: %v", err)
		}
		after, _ = os.ReadDir("/proc/self/fd")
	}
	if len(after) > len(before) {
		t.Errorf("%d files are open, and %d were", len(after), len(before))
	}
}

// late is cancelled once it was asked some times.
type late struct {
	context.Context
	after int
}

func (l *late) Err() error {
	if l.after--; l.after < 0 {
		return context.Canceled
	}
	return nil
}

// TestPanic breaks in the middle.
func TestPanic(t *testing.T) {
	dir, temp := large(t), scratch.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		Pack(t.Context(), Options{Dir: dir, Temp: temp, Progress: func(p Progress) {
			if p.Bytes > blockSize {
				panic("now")
			}
		}})
	})
	empty(t, temp)
}

// TestNoName sees that an archive has no name while it is written and read, so
// that a killed process leaves nothing behind.
func TestNoName(t *testing.T) {
	temp := filepath.Join(scratch.Dir(t), "not/yet")
	looks := 0
	look := func() {
		looks++
		if runtime.GOOS != "windows" {
			empty(t, temp)
		}
	}
	a, err := Pack(t.Context(), Options{Dir: large(t), Temp: temp, Progress: func(Progress) { look() }})
	if err != nil {
		t.Fatal(err)
	}
	look()
	unpack(t, a)
	if err := a.Close(); err != nil || looks < 20 {
		t.Errorf("%d looks: %v", looks, err)
	}
	empty(t, temp)
}

// TestNamed is about a system that removes no open file.
func TestNamed(t *testing.T) {
	temp := scratch.Dir(t)
	f, err := os.CreateTemp(temp, "")
	if err != nil {
		t.Fatal(err)
	}
	file := &tempFile{File: f, named: true}
	for range 2 {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	empty(t, temp)
}

// TestNotWritten writes to what cannot be written.
func TestNotWritten(t *testing.T) {
	dir := large(t)
	synctest.Test(t, func(t *testing.T) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		f, err := root.Open("Dockerfile") // to read
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rules, err := newRules(root, "Dockerfile", []string{"Dockerfile"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		found, err := walk(t.Context(), root, rules, openFile)
		if err != nil {
			t.Fatal(err)
		}
		a := &Archive{file: &tempFile{File: f}}
		err = a.write(t.Context(), root, found, Options{open: openFile})
		if err == nil || !strings.Contains(err.Error(), "the build context's archive cannot be written: write ") {
			t.Errorf("error: %v", err)
		}
	})
	temp := filepath.Join(dir, "a/b/temp") // beneath a file
	if _, err := Pack(t.Context(), Options{Dir: dir, Temp: temp}); err == nil || !strings.Contains(err.Error(), "no place for the build context's archive: ") {
		t.Errorf("error: %v", err)
	}
}
