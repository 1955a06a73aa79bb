"""Where mail comes from. What is here touches the world; readers and judge never do."""
