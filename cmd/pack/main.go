// Pack makes a release's assets: it puts each program of a folder into an archive
// with its license and the notices of what is compiled into it, and writes their
// checksums. The bytes depend on the programs, the licenses and the version of Go
// alone.
package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pack DIR")
		os.Exit(2)
	}
	if err := pack(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// name is what the program is called in its archive, whatever its system.
const name = "pipecat-cloud-deploy"

// pack puts an archive of each program of dir in its place, and SHA256SUMS beside
// them.
func pack(dir string) error {
	programs, err := filepath.Glob(filepath.Join(dir, name+"-*"))
	if err != nil || len(programs) == 0 {
		return fmt.Errorf("no program in %s", dir)
	}
	var sums bytes.Buffer
	for _, program := range programs {
		archive, err := archiveOf(program)
		if err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
		file := strings.TrimSuffix(program, ".exe") + ".tar.gz"
		if err := os.WriteFile(file, archive, 0o644); err != nil {
			return err
		}
		if err := os.Remove(program); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(archive), filepath.Base(file))
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// archiveOf is a program's archive.
func archiveOf(program string) ([]byte, error) {
	code, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	license, err := os.ReadFile("LICENSE")
	if err != nil {
		return nil, err
	}
	notices, err := noticesOf(program)
	if err != nil {
		return nil, err
	}
	return archive([]file{
		{name + filepath.Ext(program), 0o755, code},
		{"LICENSE", 0o644, license},
		{"THIRD_PARTY_NOTICES.txt", 0o644, notices},
	})
}

// file is a file of an archive.
type file struct {
	name string
	mode int64
	data []byte
}

// archive packs files, always to the same bytes.
func archive(files []file) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err = errors.Join(w.Close(), z.Close())
	return b.Bytes(), err
}

// noticesOf are the licenses of everything that is compiled into a program, and
// where its source is.
func noticesOf(program string) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s has these in it, unchanged. Each has its license below.\n", name)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	section(&b, "Go "+strings.TrimPrefix(info.GoVersion, "go"), "https://go.dev/dl")
	if err := licenses(&b, strings.TrimSpace(string(goroot))); err != nil {
		return nil, err
	}
	for _, module := range info.Deps {
		module = cmp.Or(module.Replace, module)
		dir, err := source(module.Path + "@" + module.Version)
		if err != nil {
			return nil, err
		}
		section(&b, module.Path+" "+module.Version, "https://pkg.go.dev/"+module.Path+"@"+module.Version)
		if err := licenses(&b, dir); err != nil {
			return nil, fmt.Errorf("%s: %w", module.Path, err)
		}
	}
	return b.Bytes(), nil
}

func section(b *bytes.Buffer, what, where string) {
	fmt.Fprintf(b, "\n%s\n%s\nsource: %s\n", strings.Repeat("-", 72), what, where)
}

// licensing matches the names of files that must go where a module's code goes.
var licensing = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice)([.-].*)?$`)

// licenses appends the licenses and notices of the folder of a module.
func licenses(b *bytes.Buffer, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() || !licensing.MatchString(e.Name()) })
	if len(entries) == 0 {
		return errors.New("no license")
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "\n%s\n", bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
	}
	return nil
}

// source is the folder of a module's source.
func source(module string) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var answer struct{ Dir, Error string }
	if json.Unmarshal(out, &answer) != nil || answer.Error != "" || err != nil {
		return "", fmt.Errorf("the source of %s: %s", module, cmp.Or(answer.Error, fmt.Sprint(err)))
	}
	return answer.Dir, nil
}
