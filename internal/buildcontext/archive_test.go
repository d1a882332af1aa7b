package buildcontext

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/klauspost/pgzip"

	"pipecat-cloud-deploy/internal/scratch"
)

// sample is a context of some blocks: text, and noise.
func sample() map[string]string {
	text, noise := rand.New(rand.NewPCG(1, 2)), rand.NewChaCha8([32]byte{3})
	var words strings.Builder
	for words.Len() < 3*blockSize/2 {
		fmt.Fprintf(&words, "def f%d(x):\n    return x * %d\n", text.IntN(1000), text.IntN(10))
	}
	bytes := make([]byte, 2*blockSize/3)
	noise.Read(bytes)
	return map[string]string{
		"Dockerfile":     "FROM dailyco/pipecat-base\nCOPY . .\n",
		"bot.py":         words.String(),
		"a.txt":          "a",
		"a/empty":        "",
		"a/model.bin":    string(bytes),
		"a-b/names ä/é☺": "x",
		"run.sh":         "#!/bin/sh\n",
		".dockerignore":  "*.log\n",
		"x.log":          "not packed",
	}
}

// TestGolden holds the hash of a context: whoever deploys it again gets the same build
// of before. Where a new version of a library changes it, every context is built
// once again, and this is to be said in the release's notes.
func TestGolden(t *testing.T) {
	const want = "87c8f87b081ea585"
	a, all := pack(t, Options{Dir: lay(t, sample(), false)})
	if a.Hash != want {
		t.Errorf("hash %s, want %s", a.Hash, want)
	}
	const list = ".dockerignore Dockerfile a-b/names ä/é☺ a.txt a/empty a/model.bin bot.py link->../out run.sh*"
	if got := names(all); got != list {
		t.Errorf("packed %s", got)
	}
	for _, p := range all {
		if p.Typeflag == tar.TypeReg && p.text != sample()[p.Name] {
			t.Errorf("%s is another", p.Name)
		}
		if p.Uid != 0 || p.Gid != 0 || p.Uname != "" || p.Gname != "" || !p.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%+v", p.Header)
		}
		want := map[byte]int64{tar.TypeDir: 0o755, tar.TypeSymlink: 0o777, tar.TypeReg: 0o644}[p.Typeflag]
		if p.Name == "run.sh" {
			want = 0o755
		}
		if p.Mode != want {
			t.Errorf("%s has mode %o", p.Name, p.Mode)
		}
	}
}

// lay writes files in an order, and with what should not count: times, owners,
// and modes by the umask.
func lay(t *testing.T, files map[string]string, other bool) string {
	dir := scratch.Dir(t)
	all := slices.Sorted(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	})
	if other {
		slices.Reverse(all)
	}
	for _, name := range all {
		write(t, dir, name, files[name])
		file := filepath.Join(dir, name)
		mode := os.FileMode(0o644)
		if name == "run.sh" {
			mode = 0o755
		}
		if other {
			mode &= 0o700
			_ = os.Lchown(file, 1234, 5678) // only root may
			if err := os.Chtimes(file, time.Unix(1e9, 0), time.Unix(1e9, 5)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, "link", func(file string) error { return os.Symlink("../out", file) })
	return dir
}

func TestDeterministic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	hash := ""
	for i := range 4 {
		dir := lay(t, sample(), i%2 == 1)
		runtime.GOMAXPROCS(1 + i)
		a, _ := pack(t, Options{Dir: dir})
		if hash = cmp.Or(hash, a.Hash); a.Hash != hash {
			t.Errorf("hash %s, and %s before", a.Hash, hash)
		}
	}
	changed := sample()
	changed["a.txt"] = "b"
	if a, _ := pack(t, Options{Dir: lay(t, changed, false)}); a.Hash == hash {
		t.Error("another context has the same hash")
	}
}

// TestBlocks sees that the library's output depends on neither concurrency nor
// on how it is written to.
func TestBlocks(t *testing.T) {
	text := sample()["bot.py"] + sample()["a/model.bin"]
	var want []byte
	for i, blocks := range []int{1, 2, 3, 16} {
		var b bytes.Buffer
		z, err := pgzip.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		if err := z.SetConcurrency(blockSize, blocks); err != nil {
			t.Fatal(err)
		}
		for rest := []byte(text); len(rest) > 0; {
			n := min(len(rest), 1+i*70_001)
			if i == 0 {
				n = min(len(rest), 997)
			}
			if _, err := z.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = b.Bytes()
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%d blocks at once: other bytes", blocks)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("länge/", 60) + strings.Repeat("x", 250)
	all := []string{
		"a b", " a ", "-rf", "--checkpoint=1", "a*?[b]", "ä", "a\u0308", "☺ ☻", "日本語/ファイル", "'\"`$(x)", "#a", "!a", "~", "a:b", "...", "a=b\n", "12 path=x",
		strings.Repeat("n", 255), long, "d/" + strings.Repeat("y", 99), "d/" + strings.Repeat("y", 100), "d/" + strings.Repeat("y", 101),
	}
	if runtime.GOOS != "windows" {
		all = append(all, "new\nline", "tab\tand\x1b[31mred", `back\slash`, "\r", "a\nb/c\nd")
	}
	if runtime.GOOS == "linux" { // others take only UTF-8
		all = append(all, "\xff", "caf\xe9/\xe9", "\xff"+strings.Repeat("z", 200), strings.Repeat("\xfe/", 120)+"x")
	}
	dir := tree(t, "Dockerfile")
	links := map[string]string{"l1": "caf\xe9", "l2": strings.Repeat("../x", 70), "l3": "new\nline", "l4": "/absolute"}
	for _, name := range all {
		write(t, dir, name, "this is "+name)
	}
	for name, target := range links {
		put(t, dir, name, func(file string) error { return os.Symlink(target, file) })
	}
	write(t, dir, ".dockerignore", "nothing")
	a, entries := pack(t, Options{Dir: dir})
	if again, _ := pack(t, Options{Dir: dir}); again.Hash != a.Hash {
		t.Error("another hash")
	}
	got := map[string]packed{}
	for _, p := range entries {
		got[p.Name] = p
	}
	for _, name := range all {
		if p, ok := got[name]; !ok || p.text != "this is "+name {
			t.Errorf("%q: %q", name, p.text)
		}
	}
	for name, target := range links {
		if got[name].Linkname != target {
			t.Errorf("%q leads to %q", name, got[name].Linkname)
		}
	}
	if a.Files != len(all)+len(links)+2 {
		t.Errorf("%d files", a.Files)
	}
}

// FuzzNames sees that an archive has any name as it is.
func FuzzNames(f *testing.F) {
	f.Add("a/b c", "../x")
	f.Add("\xff\n", strings.Repeat("é", 150))
	f.Add(strings.Repeat("a/", 150)+"b", "\xe9")
	f.Fuzz(func(t *testing.T, name, target string) {
		if name == "" || target == "" || strings.ContainsRune(name+target, 0) || strings.HasSuffix(name, "/") || len(name)+len(target) > 10_000 {
			return
		}
		var b bytes.Buffer
		p := packer{tar: tar.NewWriter(&b)}
		entries := []entry{{path: name, mode: os.ModeDir}, {path: name, mode: os.ModeSymlink, link: target}, {path: name}}
		for _, e := range entries {
			if err := p.header(e); err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
		}
		if err := p.tar.Close(); err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(&b)
		for _, e := range entries {
			h, err := r.Next()
			if err != nil || strings.TrimSuffix(h.Name, "/") != name || h.Linkname != e.link {
				t.Fatalf("%+v: %+v, %v", e, h, err)
			}
			if h.Format == tar.FormatPAX && !utf8.ValidString(h.Name+h.Linkname) {
				t.Errorf("%q is not UTF-8, as PAX has to be", h.Name)
			}
		}
	})
}

// TestReaders reads an archive twice at once, as an upload that is sent again.
func TestReaders(t *testing.T) {
	a, err := Pack(t.Context(), Options{Dir: lay(t, sample(), false), Temp: scratch.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	one, two := a.Reader(), a.Reader()
	var first, second bytes.Buffer
	if _, err := io.CopyN(&first, one, 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&second, two); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&first, one); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) || int64(first.Len()) != a.Size || one.Size() != a.Size {
		t.Errorf("%d and %d bytes of %d", first.Len(), second.Len(), a.Size)
	}
	for range 2 {
		if err := a.Close(); err != nil {
			t.Errorf("closed: %v", err)
		}
	}
	if _, err := a.Reader().Read(make([]byte, 1)); err == nil {
		t.Error("a closed archive can be read")
	}
}

func TestProgress(t *testing.T) {
	var all []Progress
	a, _ := pack(t, Options{Dir: lay(t, sample(), false), Progress: func(p Progress) { all = append(all, p) }})
	last := Progress{}
	for _, p := range all {
		if p.AllFiles != a.Files || p.AllBytes != a.Unpacked || p.Files < last.Files || p.Bytes < last.Bytes || p.Bytes-last.Bytes > 1<<20 {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}
	if last.Files != a.Files || last.Bytes != a.Unpacked {
		t.Errorf("in the end %+v, of %d files and %d bytes", last, a.Files, a.Unpacked)
	}
}
