// Package scratch makes folders for tests.
package scratch

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir makes an empty folder that is removed with the test. It is in memory where the
// system has such a place: many small files, made and removed on a disk, take longer than
// most tests. Programs may not be allowed to run from there. A benchmark's is on the disk.
func Dir(t testing.TB) string {
	t.Helper()
	if _, isBenchmark := t.(*testing.B); isBenchmark {
		return t.TempDir()
	}
	around, err := os.MkdirTemp("/dev/shm", "pipecat-cloud-deploy-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(around); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(around, "dir") // so that ".." is the test's as well
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
