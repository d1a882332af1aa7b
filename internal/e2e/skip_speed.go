//go:build !linux

package e2e

import "testing"

// Speed is skipped.
func Speed(t *testing.T) { t.Skip("needs /proc") }

// Calls is skipped.
func Calls(t *testing.T) { t.Skip("needs /proc") }

// Bounds is skipped.
func Bounds(t *testing.T) { t.Skip("needs /proc") }

// Refusal is skipped.
func Refusal(b *testing.B) { b.Skip("needs Linux's resource usage") }
