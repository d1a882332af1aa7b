package buildcontext

import (
	"cmp"
	"errors"
	"os"
	"sync"
)

// tempFile is a file that is gone when it is closed, and where the system can do
// that, has no name as soon as it is open: then not even a killed process leaves
// it behind.
type tempFile struct {
	*os.File
	named bool
	close sync.Once
	err   error
}

func newTempFile(dir string) (*tempFile, error) {
	dir = cmp.Or(dir, os.TempDir())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "build-context-*.tar.gz")
	if err != nil {
		return nil, err
	}
	return &tempFile{File: f, named: os.Remove(f.Name()) != nil}, nil // a system that cannot remove it yet says so
}

// Close closes the file, and removes it.
func (t *tempFile) Close() error {
	t.close.Do(func() {
		t.err = t.File.Close()
		if t.named {
			t.err = errors.Join(t.err, os.Remove(t.Name()))
		}
	})
	return t.err
}
