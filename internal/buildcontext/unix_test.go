//go:build unix

package buildcontext

import (
	"net"
	"strings"
	"syscall"
	"testing"
)

// TestLeft has a context with what is no file, and a pipe that takes a file's
// place: none is waited for.
func TestLeft(t *testing.T) {
	dir := tree(t, "Dockerfile src/bot.py out/x")
	t.Chdir(dir) // a socket's path must be short
	for _, name := range []string{"src/s", "out/s"} {
		l, err := net.Listen("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	for _, name := range []string{"src/p", "out/p", "z.pem"} {
		if err := syscall.Mkfifo(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a, all := pack(t, Options{Exclude: []string{"out"}})
	if got := names(all); got != "Dockerfile src/bot.py" {
		t.Errorf("packed %s", got)
	}
	if got := strings.Join(a.Left, " "); got != "src/p src/s" {
		t.Errorf("left %s", got)
	}
	if got := strings.Join(a.KeptOut, " "); got != "z.pem" {
		t.Errorf("kept out %s", got)
	}

	_, err := Pack(t.Context(), Options{Exclude: []string{"out"}, open: meddle("src/bot.py", false, func() {
		if err := syscall.Rename("src/p", "src/bot.py"); err != nil {
			t.Error(err)
		}
	})})
	if err == nil || !strings.Contains(err.Error(), `"src/bot.py" changed`) {
		t.Errorf("error: %v", err)
	}
}

// TestDockerfilePipe sees that a Dockerfile must be a file.
func TestDockerfilePipe(t *testing.T) {
	dir := tree(t, "x")
	put(t, dir, "Dockerfile", func(file string) error { return syscall.Mkfifo(file, 0o644) })
	put(t, dir, ".dockerignore", func(file string) error { return syscall.Mkfifo(file, 0o644) })
	_, err := Pack(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), `dockerfile: "Dockerfile" is not a regular file`) || !strings.Contains(err.Error(), ".dockerignore: it is not a regular file") {
		t.Errorf("error: %v", err)
	}
}
