//go:build !unix

package buildcontext

import (
	"os"
	"path/filepath"
)

// openFile opens a file of the context to read it.
func openFile(root *os.Root, name string) (*os.File, error) { return root.Open(name) }

// slashes returns a link's target as it stands in an archive.
func slashes(target string) string { return filepath.ToSlash(target) }
