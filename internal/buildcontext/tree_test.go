package buildcontext

import (
	"archive/tar"
	"compress/gzip"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/scratch"
)

// tree makes a folder of what it names, separated by spaces: "a/b" is a file, "a/b*" an
// executable one, "a/" an empty folder, "a->b" a symbolic link.
func tree(t testing.TB, words string) string {
	t.Helper()
	dir := scratch.Dir(t)
	for _, word := range strings.Fields(words) {
		name, target, link := strings.Cut(word, "->")
		switch {
		case link:
			put(t, dir, name, func(file string) error { return os.Symlink(target, file) })
		case strings.HasSuffix(name, "/"):
			put(t, dir, name, func(file string) error { return os.MkdirAll(file, 0o755) })
		default:
			plain := strings.TrimSuffix(name, "*")
			mode := os.FileMode(0o644)
			if plain != name {
				mode = 0o755
			}
			put(t, dir, plain, func(file string) error { return os.WriteFile(file, []byte("this is "+plain+"\n"), mode) })
		}
	}
	return dir
}

func put(t testing.TB, dir, name string, make func(string) error) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), make(file)); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	put(t, dir, name, func(file string) error { return os.WriteFile(file, []byte(text), 0o644) })
}

// pack packs, and sees that the archive is as reported, and that it is
// gone in the end.
func pack(t testing.TB, o Options) (*Archive, []packed) {
	t.Helper()
	o.Temp = scratch.Dir(t)
	a, err := Pack(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	all := unpack(t, a)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	empty(t, o.Temp)
	return a, all
}

// empty sees that a folder has nothing in it.
func empty(t testing.TB, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// packed is an entry of an archive.
type packed struct {
	tar.Header
	text string
}

func (p packed) String() string {
	s := p.Name
	if p.Linkname != "" {
		s += "->" + p.Linkname
	}
	if p.Typeflag == tar.TypeReg && p.Mode == 0o755 {
		s += "*"
	}
	return s
}

// unpack reads an archive with the standard library.
func unpack(t testing.TB, a *Archive) []packed {
	t.Helper()
	sum := md5.New()
	size, err := io.Copy(sum, a.Reader())
	if hash := fmt.Sprintf("%x", sum.Sum(nil))[:16]; err != nil || size != a.Size || hash != a.Hash {
		t.Errorf("%d bytes with hash %s, but %d with %s are reported: %v", size, hash, a.Size, a.Hash, err)
	}
	z, err := gzip.NewReader(a.Reader())
	if err != nil {
		t.Fatal(err)
	}
	var all []packed
	var bytes int64
	files := 0
	folders := map[string]bool{"./": true}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		bytes += int64(len(text))
		if h.Typeflag == tar.TypeDir {
			folders[h.Name] = true
		}
		if in := path.Dir(strings.TrimSuffix(h.Name, "/")) + "/"; !folders[in] {
			t.Errorf("%q comes before its folder %q", h.Name, in)
		}
		if h.Typeflag != tar.TypeDir {
			files++
		}
		all = append(all, packed{*h, string(text)})
	}
	if _, err := io.Copy(io.Discard, z); err != nil {
		t.Error(err)
	}
	if files != a.Files || bytes != a.Unpacked {
		t.Errorf("%d files of %d bytes, but %d of %d are reported", files, bytes, a.Files, a.Unpacked)
	}
	if !slices.IsSortedFunc(all, func(a, b packed) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not in order: %v", all)
	}
	return all
}

// names lists the files and links of an archive, and the folders that nothing is
// in.
func names(all []packed) string {
	var s []string
	for i, p := range all {
		if p.Typeflag != tar.TypeDir || i+1 == len(all) || !strings.HasPrefix(all[i+1].Name, p.Name) {
			s = append(s, p.String())
		}
	}
	return strings.Join(s, " ")
}
