package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPack packs a program that was built here, and holds that everything compiled
// into it has its license in the archive.
func TestPack(t *testing.T) {
	t.Chdir("../..")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, program := range []string{"pipecat-cloud-deploy-linux-amd64", "pipecat-cloud-deploy-windows-amd64.exe"} {
		if err := os.WriteFile(filepath.Join(dir, program), code, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := pack(dir); err != nil {
		t.Fatal(err)
	}
	var sums strings.Builder
	for file, want := range map[string]string{
		"pipecat-cloud-deploy-linux-amd64.tar.gz":   "pipecat-cloud-deploy",
		"pipecat-cloud-deploy-windows-amd64.tar.gz": "pipecat-cloud-deploy.exe",
	} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), file)
		files := unpack(t, data)
		if !bytes.Equal(files[want], code) {
			t.Errorf("%s: %s is not the program", file, want)
		}
		if len(files["LICENSE"]) == 0 || !bytes.Contains(files["THIRD_PARTY_NOTICES.txt"], []byte("The Go Authors")) {
			t.Errorf("%s: no license of this project, or none of Go", file)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(sums.String()) {
		if !strings.Contains(string(got), line) {
			t.Errorf("SHA256SUMS is\n%s without %s", got, line)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*64*")); len(left) != 2 {
		t.Errorf("left in the folder: %q", left)
	}
	if err := pack(t.TempDir()); err == nil {
		t.Error("a folder without a program is packed")
	}
}

// TestLicenses holds which files of a module are its licenses, and that a module
// without one stops the release.
func TestLicenses(t *testing.T) {
	for name, want := range map[string]bool{
		"LICENSE": true, "LICENSE.md": true, "Licence.txt": true, "COPYING": true, "NOTICE": true, "LICENSE-APACHE": true,
		"licenses_test.go": false, "README.md": false, "NOTICED": false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("you may\r\nuse it\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		err := licenses(&b, dir)
		if got := err == nil; got != want {
			t.Errorf("%s is a license: %t, want %t", name, got, want)
		}
		if want && b.String() != "\nyou may\nuse it\n" {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}

// TestArchive holds that equal files make equal bytes, owned by root.
func TestArchive(t *testing.T) {
	files := []file{{"one", 0o755, []byte("1")}, {"two", 0o644, nil}}
	first, err := archive(files)
	second, again := archive(files)
	if err != nil || again != nil || !bytes.Equal(first, second) {
		t.Errorf("not the same bytes: %v, %v", err, again)
	}
	if got := unpack(t, first); string(got["one"]) != "1" || len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

// unpack is what an archive has, by name.
func unpack(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() > 0 {
			t.Errorf("%s belongs to someone, or has a time: %+v", h.Name, h)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
