//go:build unix

package diagnosis

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestLinks sees that no link is followed and nothing but a file is opened.
func TestLinks(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	for name, data := range map[string]string{"secret.py": code, "folder/bot.py": code} {
		file := filepath.Join(outside, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"bot.py": filepath.Join(outside, "secret.py"), "server": filepath.Join(outside, "folder"), "loop": ".", "gone.py": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.py"), 0o666); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, workspace := range []fs.FS{root.FS(), os.DirFS(dir), os.DirFS(filepath.Join(dir, "missing"))} {
		for _, file := range []string{"/app/bot.py", "/app/server/bot.py", "/app/loop/bot.py", "/app/gone.py", "/app/pipe.py"} {
			if d := Diagnose(crash{Text: text(file, 3, "<module>", `open("menu.json")`)}.facts(), workspace); d.Place != nil {
				t.Errorf("%s: %+v", file, d.Place)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "own.py"), []byte(code), 0o666); err != nil {
		t.Fatal(err)
	}
	if d := Diagnose(crash{Text: text("/app/own.py", 3, "<module>", `open("menu.json")`)}.facts(), root.FS()); at(d.Place) != "own.py:3" {
		t.Errorf("own.py: %+v", d.Place)
	}
}
