// Command program is the smallest that an image can be made of.
package main

func main() {}
