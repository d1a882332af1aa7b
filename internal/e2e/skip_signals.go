//go:build !unix

package e2e

import "testing"

// These suites stop the process by signals.

// Cancelled is skipped.
func Cancelled(t *testing.T) { t.Skip("needs signals") }

// Blocked is skipped.
func Blocked(t *testing.T) { t.Skip("needs signals") }

// Memory is skipped.
func Memory(t *testing.T) { t.Skip("needs /proc") }
