//go:build unix

package buildcontext

import (
	"os"
	"syscall"
)

// openFile opens a file of the context to read it. It does not wait for a
// writer, should a pipe have taken the file's place.
func openFile(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// slashes returns a link's target as it stands in an archive.
func slashes(target string) string { return target }
